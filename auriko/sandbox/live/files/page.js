// Asks every second for what changes, and replaces the sections that are no longer the same.
"use strict";

const PERIOD_MS = 1000;
const link = document.getElementById("link");

function openOnes() {
  return [...document.querySelectorAll("details[open]")].map((each) => each.id);
}

function show(fresh) {
  const open = openOnes();
  for (const section of fresh.querySelectorAll("section")) {
    for (const each of section.querySelectorAll("details")) {
      each.open = open.includes(each.id);
    }
    const old = document.getElementById(section.id);
    if (old === null) {
      document.getElementById("live").append(document.importNode(section, true));
    } else if (!old.isEqualNode(section)) {
      const focused = old.contains(document.activeElement) ? document.activeElement.closest("details") : null;
      old.replaceWith(document.importNode(section, true));
      if (focused) {
        document.getElementById(focused.id)?.querySelector("summary").focus();
      }
    }
  }
}

function tell(isLive) {
  link.textContent = isLive ? "live" : "not reachable";
  link.classList.toggle("lost", !isLive);
}

function refresh() {
  // A document that arrives by XMLHttpRequest is parsed without running anything in it.
  const request = new XMLHttpRequest();
  request.open("GET", document.body.dataset.live + location.search);
  request.responseType = "document";
  request.timeout = 10 * PERIOD_MS;
  request.onloadend = () => {
    const fine = request.status === 200 && request.response;
    if (fine && !document.getSelection().toString()) {
      show(request.response);
    }
    tell(Boolean(fine));
    setTimeout(refreshWhenSeen, PERIOD_MS);
  };
  request.send();
}

function refreshWhenSeen() {
  if (document.visibilityState === "visible") {
    refresh();
  } else {
    document.addEventListener("visibilitychange", refreshWhenSeen, { once: true });
  }
}

setTimeout(refreshWhenSeen, "atOnce" in document.body.dataset ? 0 : PERIOD_MS);
