// The lesson: one step at a time, in the order of the chapter. A step asks for a prediction, sets the controls, checks by
// the facts that the page's scripts report what was really done, and then explains.
// Runs once, when the lesson is first opened; `element` is the panel's, `texts` and `steps` came with it, see ui/lesson.py.
// Progress stays in this browser.
const { trazo } = window;
const KEY = "trazo-lesson";
const find = (name) => element.querySelector(name);
const card = find(".lesson-card");
const opener = find(".lesson-open");
const line = find(".lesson-line");
let step = null;
let number = /^\d{1,2}$/.test(trazo.opened.get("lesson") ?? "") ? Number(trazo.opened.get("lesson")) : 0; // from 1; 0: closed
let facts = {}; // name -> value, since the step was opened
const progress = readProgress(); // step -> { choice, done: [whether each task is done] }

// What else may be stored under this name, by an older version for example, is left out.
function readProgress() {
	const found = trazo.stored((all) => JSON.parse(all.getItem(KEY) ?? "{}"));
	const isState = ([, one]) => Number.isInteger(one?.choice) && Array.isArray(one.done);
	return Object.fromEntries(Object.entries(found ?? {}).filter(isState));
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const ofStep = (key) => texts[`${step.name}_${key}`];
const stateOf = ({ name }) => (progress[name] ??= { choice: 0, done: [] });
const isDone = (one) => one.tasks.every((_, i) => progress[one.name]?.done[i]);
const keep = () => trazo.stored((all) => all.setItem(KEY, JSON.stringify(progress)));

// --- What was done ---

const COMPARE = {
	"=": (found, value) => found === value,
	"!=": (found, value) => found !== value,
	"<": (found, value) => found < value,
	">": (found, value) => found > value,
	">=": (found, value) => found >= value,
};

function holds([path, comparison, value]) {
	const [fact, field] = path.split(".");
	const found = facts[fact]?.[field];
	return found !== undefined && COMPARE[comparison](found, value);
}

trazo.listen((name, value) => {
	facts[name] = value;
	if (!step || card.hidden) return;
	const { done } = stateOf(step);
	const next = step.tasks.findIndex((_, i) => !done[i]); // tasks are done in their order
	if (next < 0) return;
	if (!step.tasks[next].every(holds)) {
		// A training that has ended, where the task is about one.
		const isTried = value?.done && step.tasks[next].some(([path]) => path.startsWith(`${name}.`));
		find(".lesson-said").textContent = isTried ? texts.not_yet : "";
		return;
	}
	done[next] = true;
	keep();
	show();
	find(".lesson-said").textContent = isDone(step) ? texts.all_done : texts.task_done;
});

// --- Showing ---

function make(kind, text, attributes = {}) {
	const made = Object.assign(document.createElement(kind), attributes);
	made.textContent = text;
	return made;
}

function showSteps() {
	const items = steps.map((one, i) => {
		const button = make("button", isDone(one) ? "✓" : i + 1, { type: "button" });
		const title = texts[`${one.name}_title`];
		button.title = title;
		button.setAttribute("aria-label", fill(isDone(one) ? texts.step_done : texts.step, { number: i + 1, title }));
		if (i + 1 === number) button.setAttribute("aria-current", "step");
		button.className = isDone(one) ? "done" : "";
		button.addEventListener("click", () => openStep(i + 1));
		const item = document.createElement("li");
		item.append(button);
		return item;
	});
	find(".lesson-steps").replaceChildren(...items);
}

function showQuestion() {
	const state = stateOf(step);
	find("legend").textContent = `${texts.predict} ${ofStep("question")}`;
	const options = Array.from({ length: step.options }, (_, i) => {
		const radio = make("input", "", { type: "radio", name: "lesson-choice", value: i + 1, checked: state.choice === i + 1 });
		radio.disabled = Boolean(state.choice) && isDone(step);
		radio.addEventListener("change", () => {
			state.choice = i + 1;
			keep();
			if (isDone(step)) show();
		});
		const label = document.createElement("label");
		label.append(radio, ofStep(`option_${i + 1}`));
		return label;
	});
	find("fieldset > div").replaceChildren(...options);
}

function showExplanation() {
	const { choice } = stateOf(step);
	const place = find(".lesson-explain");
	place.hidden = !isDone(step);
	if (place.hidden) return;
	if (!choice) return place.replaceChildren(make("p", texts.predict_first));
	const right = ofStep(`option_${step.answer}`);
	const verdict = choice === step.answer ? texts.right : fill(texts.wrong, { right });
	place.replaceChildren(make("p", verdict, { className: "lesson-verdict" }), make("p", ofStep("explain")));
}

function show() {
	const { done } = stateOf(step);
	showSteps();
	find("h2").textContent = fill(texts.heading, { number, count: steps.length, title: ofStep("title") });
	find(".lesson-chapter").textContent = fill(texts.chapter, { topic: ofStep("chapter") });
	if (!find("fieldset").contains(document.activeElement) || isDone(step)) showQuestion();
	const tasks = step.tasks.map((_, i) => {
		const task = make("li", `${done[i] ? "✓" : "○"} ${ofStep(`task_${i + 1}`)}`, { className: done[i] ? "done" : "" });
		if (done[i]) task.setAttribute("aria-label", `${texts.done}: ${ofStep(`task_${i + 1}`)}`);
		return task;
	});
	find(".lesson-tasks").replaceChildren(...tasks);
	showExplanation();
	find(".lesson-back").disabled = number === 1;
	find(".lesson-next").disabled = number === steps.length;
	const next = step.tasks.findIndex((_, i) => !done[i]);
	line.firstElementChild.textContent = `${number}. ${next < 0 ? texts.all_done : ofStep(`task_${next + 1}`)}`;
}

// The worksheet: every question, with boxes and lines to fill in. It is printed from a frame, without the page.
const PAPER = `body { font: 10.5pt/1.35 system-ui, sans-serif; } h2, h3 { margin: 0 0 2pt; } h3 { font-size: 11.5pt; }
section { break-inside: avoid; margin: 10pt 0; } p { margin: 2pt 0; } .lines { min-height: 34pt; border-bottom: 1px solid #999; }`;

function printSheet() {
	const sections = steps.map((one, i) => {
		const text = (key) => texts[`${one.name}_${key}`];
		const boxes = (key, count) => Array.from({ length: count }, (_, n) => make("p", `☐ ${text(`${key}_${n + 1}`)}`));
		const section = document.createElement("section");
		section.append(make("h3", `${i + 1}. ${text("title")}`), make("p", text("question")), ...boxes("option", one.options));
		section.append(...boxes("task", one.tasks.length), make("p", texts.why, { className: "lines" }));
		return section;
	});
	document.querySelector(".lesson-paper")?.remove();
	const paper = make("iframe", "", { className: "lesson-paper", title: texts.sheet });
	element.append(paper);
	const page = paper.contentDocument;
	page.title = texts.sheet;
	page.head.append(make("style", PAPER));
	page.body.append(make("h2", texts.sheet), make("p", texts.sheet_name), ...sections);
	paper.contentWindow.print();
}

// --- Moving ---

function setControls(others = {}) {
	trazo.clearLink();
	trazo.openLink({ ...step.state, ...others, lesson: String(number) });
}

// Open a step; `linked` holds the parameters of an address that opened it, which come before the step's.
function openStep(wanted, linked = null) {
	number = Math.min(Math.max(wanted, 1), steps.length);
	step = steps[number - 1];
	document.activeElement?.blur();
	show();
	find(".lesson-said").textContent = "";
	facts = {};
	setControls(linked ?? {});
	find("h2").focus({ preventScroll: Boolean(linked) });
}

function toggle(open, linked = null) {
	card.hidden = !open;
	opener.setAttribute("aria-expanded", String(open));
	document.body.classList.toggle("has-lesson", open);
	if (!open) {
		trazo.setLink({ lesson: null });
		line.hidden = true;
	} else openStep(number || 1, linked);
}

opener.addEventListener("click", () => toggle(card.hidden));
find(".lesson-back").addEventListener("click", () => openStep(number - 1));
find(".lesson-next").addEventListener("click", () => openStep(number + 1));
find(".lesson-set").addEventListener("click", () => setControls());
const MIN_HEIGHT_PX = 50; // of a place that shows more than its label

function goThere(tries = 100) {
	const place = document.querySelector(step.place);
	const isReady = place?.offsetHeight >= MIN_HEIGHT_PX;
	if (!isReady && tries) return setTimeout(goThere, 100, tries - 1); // its tab is being opened
	place?.scrollIntoView({ block: "start" });
	place?.querySelector("canvas, button:enabled, select, input, [tabindex='0']")?.focus({ preventScroll: true });
}

find(".lesson-go").addEventListener("click", () => goThere());
find(".lesson-restart").addEventListener("click", () => {
	if (!confirm(texts.restart_sure)) return;
	for (const name of Object.keys(progress)) delete progress[name];
	keep();
	openStep(1);
});
find(".lesson-print").addEventListener("click", printSheet);
line.querySelector("button").addEventListener("click", () => {
	card.scrollIntoView({ block: "start" });
	find("h2").focus({ preventScroll: true });
});

for (const name of ["go", "set", "back", "next", "restart", "print"]) find(`.lesson-${name}`).textContent = texts[name];
line.querySelector("button").textContent = texts.to_lesson;
find(".lesson-steps").setAttribute("aria-label", texts.steps);
// The line at the foot of the window shows the task while the list of tasks is out of sight.
new IntersectionObserver(([{ isIntersecting }]) => (line.hidden = card.hidden || isIntersecting || !step), { threshold: 0.2 }).observe(
	find(".lesson-tasks"),
);
// The page leaves room for it, and what is in sight while a finger moves is above it.
new ResizeObserver(() => document.body.style.setProperty("--foot", `${line.offsetHeight}px`)).observe(line);
if (number > steps.length) number = 0;
toggle(true, number ? Object.fromEntries(trazo.opened) : null);
