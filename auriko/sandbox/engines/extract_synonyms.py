"""Words that mean about the same, for questions that are asked in other words than the text uses."""

from __future__ import annotations

from functools import lru_cache

from auriko.sandbox.engines.extract_text import stem

_GROUPS = """
accident injury crash; accurate exact precise correct; address location; adult grown; advantage benefit plus; aim
goal purpose target intention; airport plane flight; alarm wake alert; allow permit may can let enable accept admit;
alter change modify edit adjust adapt; amount sum total quantity; angry upset annoyed; animal pet; answer reply
respond response serve; appear arrive come show; apply use employ; appointment meeting event date calendar;
approximate about roughly around; area region zone place; artist singer band musician; ask request demand query;
assess evaluate judge rate rating score stars; attach fasten connect; attempt try retry again repeat; author writer
write by; automatic itself oneself own; average mean typical; avoid prevent except; avoid worst bad; baby infant
child; bad poor wrong faulty; bag luggage baggage suitcase; ban forbid prohibit disallow block exclude refuse
reject; ban not never; battery power charge; begin start first initial open launch commence; below under beneath;
bicycle bike cycle; big large great huge; bill charge cost price fee pay billed charged payment; bill invoice;
birthday born birth; book reserve reservation booking; border edge limit; borrow lend lent loan rent hire; boss
chief head leader manager director president; box container package; break broken fail failure crash fault defect
interrupt cut abort truncated stop; brief short; bring carry take; build construct make create produce; busy
occupied overloaded engaged; button key switch knob; buy purchase order acquire; call named name title; call phone
ring telephone; cancel abort stop end terminate quit leave; car vehicle automobile; care attention; cause reason why
because due; ceiling cap limit maximum upper bound most; certain sure guarantee ensure promise always; chance
probability likely; channel path way; cheap inexpensive low; check verify validate test examine inspect; children
kids minors young; choose pick select decide choice; city town municipality; clean wash rinse wipe; clear empty
delete remove; client customer buyer user; client program application app; clock time hour; close shut end; clothes
clothing wear dress; cold cool chilly; collect gather; colour color; combine together join merge both; company firm
business corporation; compare versus against; complain complaint; complete whole full entire finish; computer
machine device; condition state status; connect link network connection; contain include hold have consist; continue
resume proceed; contract agreement; convert turn transform; cook prepare make; copy duplicate; cost price fee charge
expensive dollar usd euro money; count number tally; country nation land; cover include; crowd group; current
present now; custom own personal individual; cut reduce lower decrease drop half discount cheaper; daily everyday;
damage harm break hurt destroy attack; danger risk hazard; data information facts figures details; date day when;
deadline due until latest; deal offer; default standard preset normal unless; delay wait pause sleep postpone;
delete remove drop erase discard omit; delivery shipment parcel package dispatch; deny refuse reject; department
division unit; deposit pay; depth deep; destination arrival target; detect find notice; different other distinct
vary; difficult hard; dimension quality aspect; dinner meal food eat lunch breakfast; direct straight; dirty
unclean; disable deactivate off; discount reduction rebate half cheaper; dispose throw discard; distance far away
kilometres miles; divide division split; doctor physician; document file paper report; dog pet; double twice;
download fetch get; drink water beverage; drive ride; drop ignore leave skip omit; duration long last take time;
early soon; earn income salary; echo repeat; education school training; effect consequence result happen; elect vote
choose; electricity power energy watts current; email mail message; embed include; emergency urgent; employ staff
worker employee; empty drain; enable activate on; end finish close stop last final; engine motor; enough sufficient;
environment surroundings; equal same even evenly identical; equipment gear tools; error exception problem mistake
wrong failure trouble fault; estimate guess; every each all; exam test; example instance; exceed over more above;
exchange swap trade convert currency; exclude except without; exercise sport; expect anticipate; expire ended;
expire expired end timeout; explain describe mean meaning definition stand; explicit ask yourself; extend lengthen
longer; extra additional further more another other; factor multiply times; factory plant; fall drop; family
relatives; fast quick rapid speed swift soon throughput; fault error blame; favour prefer preferred wish; feature
function capability; female woman; fetch get retrieve; field column attribute property; fill complete; film movie;
find locate search look seek lookup discover; fine penalty; fit suit suitable; fix repair solve correct resolve
remedy mend; fix set; flat apartment level; floor storey; fluid liquid water; foam froth; follow obey; foot feet
shoe boot; forecast prediction weather; forget lose; form shape; format form layout; found establish set; frequent
often times; friend buddy; fund money finance; garbage rubbish waste trash; garden yard; gift present; give provide
supply hand; glass cup mug; goods products items; gradual slow; grant give allow; grow increase raise rise;
guarantee warranty; guide instructions manual; guilty responsible; half fifty; happen occur; hard tough; hate
dislike; have own possess; headline title heading; health medical; heat hot warm temperature; heavy weight weigh
kilos kg grams; height tall high; help support assist assistance aid; hidden hide invisible secret; highest maximum
top most; hike walk tour hiking; hit reach; holiday vacation; hospital clinic; host provider supplier vendor; house
home building; human person people someone; identifier id name; illegal forbidden; illness sick disease; image
picture photo; immediate once instant; important matter; improve better enhance; income earnings; inform tell notify
report; injury hurt; insurance insure cover; interval pause delay; invent design create; invite guest attendee;
issue problem; job task work; join member enter become; journey trip travel way; keep store retain save hold
remember; kind type sort class; kitchen cook; know unknown aware; lack missing without lacks; lamp light bulb;
language tongue; large big maximum; late slow delay after; law rule regulation; lead head guide; leak drip water;
learn study; least minimum lowest smallest; leave end quit exit depart; length long size; letter mail; level flat
even; licence permission; lift raise; lightning storm thunder; limit restrict cap ceiling bound only maximum; list
enumerate catalogue; listen hear; little few small; local regional; lock close; lose lost; loud noise noisy sound;
love like; low small little; luck chance; lunch noon; machine device appliance; mail post; main primary principal;
maintain service; majority most; make create build new add produce; male man; mandatory required compulsory
obligatory must need; manner way method; many several multiple various; map plan; mark sign; market shop; marry
wedding; mass weight; match fit; material substance; maximum most highest longest largest upper; measure size;
medicine drug; meet gather assemble meeting; member belong; mention say; menu list; message text note; microphone
sound; middle centre; milk dairy; minute time; mislead wrong; misspelt typo misspell misspelled unknown; mix blend;
model engine llm; money accounts; money funds cash balance credit credits account; monthly month; mountain hill;
move shift; multiply product; music song sound; narrow thin; nature wildlife; near close; need require necessary
must required; new fresh recent; news information; next following subsequent; night evening; normal usual regular
standard; note remark; notice see; number count many figure; object thing; obtain get receive; offline disconnected;
old age years; online connected web; only just solely; open unlock; operate run; opinion view; option setting
parameter field argument; order command; order sequence; organise arrange; origin source; overall total; owner
belong possess; page document; pain hurt; paint colour; pair two; parents mother father; park stop; part piece
portion chunk section; partner companion; party celebration; pass hand; passenger traveller people person; password
secret key; path route way; pause wait break; pay spend payment cost; peak top; percent share proportion; perform
do; period daily weekly monthly; permanent forever; permission allowed; phone telephone mobile; place put position
location stand; plan schedule; plant flower; play game; please satisfy; pocket bag; point spot; police emergency;
policy rule; polite friendly; poor weak; popular liked; port harbour; possible can able; post publish; pour fill;
power strength; practice training; predict forecast; pregnant expecting; prepare ready; present show; press push;
pressure force; previous earlier before former; print publish; prior before; privacy private; prize award; procedure
process; produce make generate; profit gain; programme plan; project plan; proof evidence; protect guard safe
secure; public open; pull draw; punctual late time; pupil student; pure clean; purpose use goal; quality property;
quarrel argue; question query; quiet silent; rain weather sunny cold warm hot temperature forecast snow wind climate
wet; random chance; range span; rank order top first best ranking strategy; rare seldom; rate speed; reach attain;
read look; ready prepared; real actual; receipt proof; recipe instructions; recommend suggest; record log; recover
restore; recycle reuse; red colour; refund repay; register registration sign enrol signup; regular often; reliable
trust rely; remind reminder; remote distant; rent hire lease borrow; replace exchange substitute; rescue save; reset
renew restart again start; resign leave; resolution decision; responsible charge manage keep; rest remain;
restaurant cafe; result outcome; return back bring; return give yield; reward prize; rich wealthy; right correct;
river water; road street; rock stone; room chamber; rough approximate; sad unhappy; safe secure security protect;
salary pay; sale sell; satisfied happy; say tell; scale limescale descale; score points; screen display; season
spring summer; seat chair; secret confidential; send transmit submit pass ship deliver post; sensitive delicate;
separate apart; serious severe; service maintenance; share part; sharp pointed; ship boat; shoe boot boots trainers
footwear; shop store; shout call; show display; shower wash; sick ill; sign signal; similar alike; simple easy; sink
fall; site place; size large big; skill ability; skin surface; sky air; sleep rest; slip fall; smart clever; smell
scent; smoke fire; smooth even; soap clean; social public; software program; soil ground; solution answer; space
room; spare extra; speak talk; special particular; spell spelling; spend spending spent expense; spoil rot; stable
steady; staff employees; stage phase; stain spot; stair step; star rating; station stop; stay remain; steady
constant lit; steal theft; step stage; stick attach; stop end halt; storage store; strange odd; strategy plan;
stress pressure; strict hard; strong powerful; style manner; subject topic; succeed success; sudden abrupt; suffer
pain; suggest propose; sum plus add addition; sun weather; supported unsupported lack support; surface level;
surprise shock; survive live; suspect doubt; sweet sugar; swim bath; switch turn toggle; symbol sign; symptom sign;
system setup; table list; taste flavour; tax duty; teach training train; team group; technical engineering;
temperature degrees; temporary short; tenant renter; tend usually; tent camp; terrible awful; thank grateful; thick
dense; thin weak watery; thing item; think thought reasoning reason; ticket pass; tidy clean; tie bind; tight firm;
tip hint; tired weary; today now; tool instrument; top first best highest; touch contact; tourist visitor; towel
cloth; track tracker count; trade business; traffic cars; train railway; transfer move; translate translation;
transport carry; treat handle; tree plant; trial test; truck lorry; true correct; truth fact; typical usual;
umbrella rain; unable cannot; unavailable down outage busy unreachable missing; unclear vague; undo revert; union
club association; unit piece; university college; update renew; upgrade improve; upload send; usage use; valid
correct; value amount; variable changing; vegetable food; version edition; victim injured; view see; village town;
visit see; visitor guest; voice sound; volume loudness; wage salary; wall side; want wish; warn warning; watch see;
weapon gun; wear put; web internet online website; weekly week; weigh favour count; wheel tyre; wide broad; wild
nature; win victory; window context; winter season; wise clever; witness see; wood tree; word term wording text;
world earth; worry concern; worth value; wound injury; wrap cover; yearly year annual; young youth; zero none
"""


def _by_stem() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for group in _GROUPS.split(";"):
        stems = {stem(word) for word in group.split()}
        for one in stems:
            found.setdefault(one, set()).update(stems - {one})
    return {one: frozenset(others) for one, others in found.items()}


_SYNONYMS = _by_stem()
_NONE: frozenset[str] = frozenset()


@lru_cache(maxsize=10_000)
def synonyms(term: str) -> frozenset[str]:
    """The stems that mean about the same as the stem `term`, without itself."""
    return _SYNONYMS.get(term, _NONE)
