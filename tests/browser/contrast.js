// The lowest contrast between text and what lies behind it, by the formula of WCAG 2, and where it is.
const channel = (value) => {
  const part = value / 255;
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
};
const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
const luminance = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
const behind = (element) => {
  for (let each = element; each; each = each.parentElement) {
    const colour = numbers(getComputedStyle(each).backgroundColor);
    if (colour.length === 3 || colour[3] > 0) {
      return colour;
    }
  }
  return [255, 255, 255];
};
let lowest = { ratio: 21, text: "" };
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  const text = walker.currentNode.textContent.trim();
  if (!text || !element.getClientRects().length) {
    continue;
  }
  const style = getComputedStyle(element);
  const colour = element.ownerSVGElement ? style.fill : style.color;
  const [bright, dark] = [luminance(numbers(colour)), luminance(behind(element))].sort((a, b) => b - a);
  const ratio = (bright + 0.05) / (dark + 0.05);
  if (ratio < lowest.ratio) {
    lowest = { ratio, text };
  }
}
return lowest;
