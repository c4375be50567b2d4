// "It was a 7": the visitor's own labels, kept in this browser alone. `zip.js` stands before this in the same script.
// Gradio runs this once, when the component appears, and provides `element`, `props` and `watch`. The value, of the last
// drawing: { signs: [{ image, answer, confidence, rejected }], text }. The signs are those that the network reads, line by
// line from left to right; `image` is a PNG as base64. The text has the marks between them, too.
const root = element.querySelector(".own");
const { trazo } = window;
const texts = JSON.parse(root.dataset[trazo.language]);
const labels = JSON.parse(root.dataset.labels);
const find = (name) => root.querySelector(`.own-${name}`);
const KEY = `trazo-drawings-${labels.join(" ")}`;
const MAX_DRAWINGS = 500; // half a kilobyte each, of the five megabytes that browsers give a page
const UNKNOWN = "?";
const REPORT_AFTER_MS = 700; // without another answer
const number = new Intl.NumberFormat(trazo.language);
const percent = new Intl.NumberFormat(trazo.language, { style: "percent", maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(trazo.language, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const confident = (share) => tenths.format(share < 0.99999 ? Math.min(share, 0.999) : share); // as the bars show it
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
let given = []; // the drawing of each sign that is shown now, once it has a label

const isDrawing = (one) => typeof one?.image === "string" && labels.includes(one.label) && typeof one.answer === "string";
function readDrawings() {
	try {
		return JSON.parse(localStorage.getItem(KEY) ?? "[]").filter(isDrawing);
	} catch {
		return []; // nothing can be stored, or something else was
	}
}
let drawings = readDrawings();

function make(kind, text, attributes = {}) {
	const made = Object.assign(document.createElement(kind), attributes);
	made.textContent = text;
	return made;
}

// --- Keys ---

function choose(sign, place, label) {
	const old = drawings.indexOf(given[place]);
	if (old < 0 && drawings.length >= MAX_DRAWINGS) return say(fill(texts.full, { count: MAX_DRAWINGS }));
	given[place] = { image: sign.image, label, answer: sign.rejected ? UNKNOWN : sign.answer };
	if (old < 0) drawings.push(given[place]);
	else drawings[old] = given[place];
	store();
}

function store() {
	const kept = trazo.stored((all) => {
		all.setItem(KEY, JSON.stringify(drawings));
		return true;
	});
	say(kept ? fill(texts.kept, { count: number.format(drawings.length) }) : texts.not_kept);
	show();
}

function say(text) {
	find("said").textContent = text;
}

function keysOf(sign, place, count) {
	const group = make("div", "", { className: "own-keys" });
	const answer = sign.rejected ? UNKNOWN : sign.answer;
	group.setAttribute("role", "group");
	group.setAttribute("aria-label", fill(count > 1 ? texts.sign : texts.question, { place: place + 1, answer }));
	if (count > 1) group.append(make("span", `${place + 1}.`));
	for (const label of labels) {
		const key = make("button", label, { type: "button" });
		key.setAttribute("aria-pressed", String(given[place]?.label === label));
		key.addEventListener("click", () => {
			choose(sign, place, label);
			for (const other of group.querySelectorAll("button"))
				other.setAttribute("aria-pressed", String(given[place]?.label === other.textContent));
		});
		group.append(key);
	}
	return group;
}

// --- The visitor's own figures ---

// Wilson 1927: where the accuracy probably is (95 %).
function wilson(right, count) {
	const [z, share] = [1.96, right / count];
	const middle = share + (z * z) / (2 * count);
	const width = z * Math.sqrt((share * (1 - share)) / count + (z * z) / (4 * count * count));
	return [middle - width, middle + width].map((one) => one / (1 + (z * z) / count));
}

function confusion() {
	const answers = [...new Set([...labels, ...drawings.map(({ answer }) => answer)])].filter((one) =>
		drawings.some(({ answer, label }) => answer === one || label === one),
	);
	const table = make("table", "");
	table.setAttribute("aria-label", texts.matrix);
	const head = table.createTHead().insertRow();
	head.append(make("td", ""), ...answers.map((answer) => make("th", answer, { scope: "col" })));
	const body = table.createTBody();
	for (const label of labels.filter((one) => drawings.some((drawing) => drawing.label === one))) {
		const row = body.insertRow();
		row.append(make("th", label, { scope: "row" }));
		for (const answer of answers) {
			const count = drawings.filter((one) => one.label === label && one.answer === answer).length;
			row.append(make("td", count ? number.format(count) : "", { className: count ? (label === answer ? "right" : "wrong") : "" }));
		}
	}
	return table;
}

function show() {
	const right = drawings.filter(({ label, answer }) => label === answer).length;
	find("mine").hidden = !drawings.length;
	root.hidden = !drawings.length && !props.value?.signs?.length;
	if (!drawings.length) return;
	const [low, high] = wilson(right, drawings.length).map((share) => percent.format(share));
	const values = { right: number.format(right), count: number.format(drawings.length), share: percent.format(right / drawings.length), low, high };
	find("accuracy").textContent = fill(texts.accuracy, values);
	find("matrix").replaceChildren(confusion(), make("p", texts.matrix));
}

// --- Taking them along ---

find("export").addEventListener("click", () => {
	const folder = (label) => label.replace(/[^\p{L}\p{N}_-]/gu, "_");
	const files = drawings.map(({ image, label }, i) => ({
		name: `${folder(label)}/${String(i + 1).padStart(4, "0")}.png`,
		bytes: Uint8Array.from(atob(image), (letter) => letter.charCodeAt(0)),
	}));
	const link = make("a", "", { href: URL.createObjectURL(makeZip(files)), download: "drawings.zip" });
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
});
find("delete").addEventListener("click", () => {
	drawings = [];
	given = [];
	trazo.stored((all) => all.removeItem(KEY));
	update();
	say(texts.deleted);
});

// What a lesson checks: the answer to the whole drawing. One to a part of it comes while the line is being drawn, or soon
// after.
let isPenUp = true;
let report = null;
function reportLater(answer) {
	clearTimeout(report);
	report = setTimeout(() => (isPenUp ? trazo.report("digit", answer) : reportLater(answer)), REPORT_AFTER_MS);
}
for (const [event, isUp] of [["pointerdown", false], ["pointerup", true], ["pointercancel", true]])
	addEventListener(event, () => (isPenUp = isUp), true);

function update() {
	const signs = props.value?.signs ?? [];
	given = [];
	find("ask").hidden = !signs.length;
	find("all").replaceChildren(...signs.map((sign, place) => keysOf(sign, place, signs.length)));
	say("");
	show();
	const text = props.value?.text ?? "";
	const [confidence, rejected] = [signs[0]?.confidence, signs.some((one) => one.rejected)];
	// On a phone the answer itself is out of sight while one draws.
	const line = document.querySelector(".canvas-answer");
	if (line) line.textContent = signs.length === 1 && !rejected ? `${text}  ·  ${confident(confidence)}` : text;
	reportLater({ text, count: signs.length, confidence, rejected });
}

for (const place of root.querySelectorAll("[data-text]")) place.textContent = texts[place.dataset.text];
watch("value", update);
update();
