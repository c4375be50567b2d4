// --- The map of the network, part 2: questions to the server, and the list of stages ---
// The panel's value is, in turn: { inputs }, set by the server when a drawing was read; a question, { question, serial,
// input, … }; and its answer, { answer, serial }. One question is asked at a time.
const wait = root.querySelector(".network-wait");
const body = root.querySelector(".network-body");
const list = root.querySelector(".network-map");
const which = root.querySelector(".network-which");
const stagePart = root.querySelector(".network-stage");
const valuePart = root.querySelector(".network-value");
const answerPart = root.querySelector(".network-answer");
const REFRESH_AFTER_MS = 300; // without a change of the drawing
const GIVE_UP_AFTER_MS = 20_000;
let inputs = []; // of the network, one per character, in base64
let map = null; // the last answer to the question "map"
let chosen = { stage: null, first: 0, unit: null, place: null, answer: false, label: null, other: null };
let common = false; // one scale for all maps of a stage
let isVisible = false;
let isOld = false; // the drawing has changed since the map was shown
let refreshTimer = null;
let serial = 0;
let asked = null; // { question, resolve, timer }
let waiting = [];

// Ask the server; of questions that wait, only the last one of its kind is asked.
function ask(question) {
	return new Promise((resolve) => {
		waiting = waiting.filter((one) => one.question.question !== question.question);
		waiting.push({ question, resolve });
		askNext();
	});
}

function askNext() {
	if (asked || !waiting.length) return;
	asked = waiting.shift();
	asked.question = { ...asked.question, serial: ++serial, input: inputs[Number(which.lastChild.value)] };
	asked.timer = setTimeout(() => finish(null), GIVE_UP_AFTER_MS);
	props.value = asked.question;
	trigger("input");
}

function finish(answer) {
	const { resolve, timer } = asked;
	clearTimeout(timer);
	asked = null;
	askNext();
	if (answer?.failed) say(answer.failed);
	else if (answer) resolve(answer);
}

function receive() {
	const value = props.value;
	if (Array.isArray(value?.inputs)) {
		inputs = value.inputs;
		showCharacters();
		isOld = true;
		scheduleRefresh();
	} else if (value?.answer && asked && value.serial === asked.question.serial) finish(value.answer);
}

function scheduleRefresh() {
	clearTimeout(refreshTimer);
	if (isVisible && isOld) refreshTimer = setTimeout(refresh, REFRESH_AFTER_MS);
}

// Show the map and what is open of it for the current drawing.
async function refresh() {
	clearTimeout(refreshTimer);
	isOld = false;
	body.hidden = !inputs.length;
	wait.textContent = inputs.length ? "" : texts.wait;
	if (!inputs.length) return;
	map = await ask({ question: "map" });
	showMap();
	if (chosen.stage) await openStage(chosen.stage, chosen.first, false);
	if (chosen.unit !== null) await openValue(chosen.stage, chosen.unit, chosen.place, false);
	if (chosen.answer) await openAnswer(chosen.label, chosen.other, false);
}

function showCharacters() {
	const select = which.lastChild;
	const before = Math.min(Number(select.value), Math.max(inputs.length - 1, 0));
	select.replaceChildren(...(inputs.length ? inputs : [""]).map((_, place) => make("option", { value: place, textContent: place + 1 })));
	select.value = before;
	which.hidden = inputs.length < 2;
}

// --- The list ---

// Layers of a backbone have the names that its authors gave them.
function stageTitle({ name, kind }) {
	const [, block, convolution] = name.match(/^block(\d+)_conv(\d+)$/) ?? [];
	if (block) return fill(texts.convolution, { block, number: convolution });
	if (name === "head") return texts.head;
	if (kind === "join") return texts.join;
	const [, stage] = name.match(/^mean(\d+)$/) ?? [];
	if (stage) return fill(texts.mean_of_stage, { stage });
	const ofTrazo = /^(block|dense)\d+(_pool)?$|^(scaling|mean)$/.test(name);
	return ofTrazo ? fill(texts[kind], { number: name.replace(/\D/g, "") }) : `${texts[`layer_${kind}`]} ${name}`;
}

const titleOf = (name) => (name === null ? texts.input : stageTitle(map.stages.find((stage) => stage.name === name)));

function shapeText([height, width, count]) {
	return height * width > 1
		? fill(texts.shape, { height, width, count: whole(count) })
		: fill(texts.vector, { count: whole(count) });
}

const ACTIVATIONS = { relu: "ReLU", leaky_relu: "Leaky ReLU", prelu: "PReLU", sigmoid: "sigmoid", tanh: "tanh", swish: "swish", elu: "ELU", gelu: "GELU", relu6: "ReLU6" };

function stageDetails(stage) {
	const details = [];
	if (stage.kernel) {
		const [height, width] = stage.kernel;
		details.push(fill(stage.stride > 1 ? texts.kernel_stride : texts.kernel, { height, width, stride: stage.stride }));
	}
	if (stage.normalized) details.push(texts.normalization);
	if (stage.activation) details.push(ACTIVATIONS[stage.activation] ?? stage.activation);
	return details.join(", ");
}

function stageButton(stage) {
	const maps = unpackMaps(stage.maps);
	const isVector = stage.shape[0] * stage.shape[1] === 1;
	const images = isVector ? [barCanvas(maps.high)] : maps.low.map((_, place) => mapCanvas(maps, place));
	const button = makeButton(
		"network-step",
		() => openStage(stage.name, 0, true),
		make("strong", { textContent: stageTitle(stage) }),
		make("span", { textContent: stageDetails(stage) }),
		make("span", { textContent: shapeText(stage.shape) }),
		make("span", { textContent: stage.parameters ? fill(texts.parameters, { count: whole(stage.parameters) }) : texts.no_parameters }),
		make("span", { className: "network-thumbnails" }, ...images),
	);
	button.dataset.stage = stage.name;
	return button;
}

function showMap() {
	const focused = document.activeElement?.dataset.stage;
	const input = make(
		"div",
		{ className: "network-step" },
		make("strong", { textContent: texts.input }),
		make("span", { textContent: shapeText(map.input.shape) }),
		make("span", { className: "network-thumbnails" }, inputCanvas(map.input)),
	);
	const last = makeButton("network-step", () => openAnswer(chosen.label, chosen.other, true), ...answerSummary());
	last.dataset.stage = "answer";
	const steps = [input, ...map.stages.map(stageButton), last];
	list.replaceChildren(...steps.map((step) => make("li", {}, step)));
	root.querySelector(".network-guide").textContent = fill(texts.guide, { parameters: whole(map.parameters) });
	markCurrent();
	if (focused) list.querySelector(`[data-stage="${focused}"]`)?.focus();
}

function answerSummary() {
	const title = make("strong", { textContent: texts.answer });
	const best = map.classes?.rows[0];
	const text = best ? `${best.label}: ${percent(best.probability)}` : texts.answer_regression;
	return [title, make("span", { textContent: best ? texts.answer_details : texts.answer_details_number }), make("span", { className: "network-best", textContent: text })];
}

function markCurrent() {
	for (const button of list.querySelectorAll("button")) {
		const { stage } = button.dataset;
		const isOpen = stage === "answer" ? chosen.answer : stage === chosen.stage;
		if (isOpen) button.setAttribute("aria-current", "true");
		else button.removeAttribute("aria-current");
	}
}

which.firstChild.textContent = texts.which;
which.lastChild.addEventListener("change", () => {
	isOld = true;
	scheduleRefresh();
});
wait.textContent = texts.wait;
showCharacters();
// Open, and not in a hidden tab; also a screen or two below, so that it is there when a person scrolls to it.
new IntersectionObserver(
	([{ isIntersecting }]) => {
		isVisible = isIntersecting;
		if (isVisible && isOld) refresh();
	},
	{ rootMargin: "2000px" },
).observe(root);
watch("value", receive);
receive();
