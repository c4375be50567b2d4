// "Train it here": a small network that learns in the browser while its curves and kernels are drawn.
// Runs once, when the panel is first seen; `element`, `props`, `trigger` and `watch` are Gradio's, `texts` came with it.
// The panel asks the server twice, by its value: { wanted: true } gives { worker, digits, labels }, the worker's script
// and the data; { drawing } gives { bundled }, what the large network answers. All else happens here.
const root = element.querySelector(".train");
const { trazo } = window;
const { language } = trazo;
const form = root.querySelector("form");
const charts = root.querySelector(".train-charts");
const kernels = root.querySelector(".train-kernels");
const status = root.querySelector(".train-status");
const size = root.querySelector(".train-size");
const gradients = root.querySelector(".train-gradients");
const button = root.querySelector(".train-start");
const PRESETS = {
	base: {},
	own: {}, // what is chosen otherwise
	rate: { rate: 0.3 },
	scaling: { scaling: "none" },
	sigmoid: { activation: "sigmoid", convolutions: 2 },
	overfit: { rows: 200, epochs: 30, patience: 0, dropout: 0 },
};
const BASE = { blocks: 2, convolutions: 1, filters: 8, activation: "relu", dropout: 0, optimizer: "adam", rate: 0.003, l2: 0, scaling: "z-score", rows: 1000, epochs: 12, patience: 3, batch: 32 };
const MAX_SECONDS = 10;
let data = null; // { worker, digits, labels }, once they were sent
let worker = null;
let history = [];

const number = new Intl.NumberFormat(language, { minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
const choice = new Intl.NumberFormat(language, { maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat(language);
const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

function readChoices() {
	const choices = { ...BASE, seed: 0, seconds: MAX_SECONDS };
	for (const { name, value } of form.elements) {
		if (!(name in BASE)) continue;
		choices[name] = typeof BASE[name] === "number" ? Number(value) : value;
	}
	return choices;
}

function usePreset(name) {
	const choices = { ...BASE, ...PRESETS[name] };
	for (const control of form.elements) if (control.name in choices) control.value = String(choices[control.name]);
}

// --- Drawing ---

function line(values, top, height, width, color, dash = "") {
	const points = values
		.map((value, i) => [((i + 0.5) / Math.max(values.length, 2)) * width, top + height - height * Math.min(Math.max(value, 0), 1)])
		.filter(([, y]) => Number.isFinite(y));
	return `<polyline points="${points.map((point) => point.map((one) => one.toFixed(1)).join()).join(" ")}" fill="none" stroke="${color}" stroke-width="2" stroke-dasharray="${dash}"/>`;
}

function drawCharts() {
	const [width, height] = [360, 150];
	const losses = history.flatMap(({ loss, validationLoss }) => [loss, validationLoss]).filter(Number.isFinite);
	const highest = Math.max(...losses, 0.1);
	const scaled = (key) => history.map((epoch) => epoch[key] / highest);
	const last = history.at(-1);
	const mark = last?.stopped
		? `<line x1="${((last.bestEpoch - 0.5) / Math.max(history.length, 2)) * width}" x2="${((last.bestEpoch - 0.5) / Math.max(history.length, 2)) * width}" y1="0" y2="${height}" class="train-mark"/>`
		: "";
	const chart = (title, training, validation) =>
		`<figure><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">${mark}${line(training, 0, height, width, "var(--primary-600)", "5 4")}${line(validation, 0, height, width, "#e08a2c")}</svg><figcaption>${title}</figcaption></figure>`;
	charts.innerHTML =
		chart(fill(texts.loss_chart, { highest: number.format(highest) }), scaled("loss"), scaled("validationLoss")) +
		chart(texts.accuracy_chart, history.map((epoch) => epoch.accuracy), history.map((epoch) => epoch.validationAccuracy));
}

// Blue above zero, orange below, as everywhere in the page.
function drawKernels(values) {
	const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
	const cell = (value) => {
		const share = Math.min(Math.abs(value) / largest, 1);
		const [red, green, blue] = value > 0 ? [64, 132, 255] : [255, 150, 50];
		return `<i style="background:rgb(${red} ${green} ${blue} / ${share.toFixed(2)})"></i>`;
	};
	const tiles = [];
	for (let start = 0; start < values.length; start += 9) tiles.push(`<b>${[...values.slice(start, start + 9)].map(cell).join("")}</b>`);
	kernels.innerHTML = tiles.join("");
}

function describe(epoch) {
	if (!Number.isFinite(epoch.loss)) return texts.diverged;
	const [loss, validationLoss] = [epoch.loss, epoch.validationLoss].map((one) => number.format(one));
	const [training, validation] = [epoch.accuracy, epoch.validationAccuracy].map((one) => percent.format(one));
	const values = { epoch: epoch.epoch, loss, validationLoss, training, validation, best: epoch.bestEpoch };
	return fill(epoch.stopped ? texts.stopped : texts.epoch, values);
}

function showEpoch(epoch) {
	history.push(epoch);
	drawCharts();
	drawKernels(epoch.kernels);
	gradients.textContent = `${texts.gradients} ${epoch.gradients.map((one) => number.format(one)).join(" · ")}`;
	status.textContent = describe(epoch);
}

function clearResults() {
	history = [];
	for (const place of [size, status, charts, gradients, kernels]) place.textContent = "";
}

// --- Training ---

function start() {
	if (!data) {
		status.textContent = texts.loading;
		props.value = { wanted: true };
		trigger("input");
		return; // `watch` starts it when the data is there
	}
	stop();
	clearResults();
	const choices = readChoices();
	status.scrollIntoView({ block: "nearest" }); // on a phone it is below the choices
	worker = new Worker(URL.createObjectURL(new Blob([data.worker], { type: "text/javascript" })));
	worker.onmessage = ({ data: message }) => {
		if (message.parameters) {
			const steps = Math.ceil(choices.rows / choices.batch);
			const values = { parameters: whole.format(message.parameters), steps, batch: choices.batch };
			size.textContent = fill(texts.parameters, values);
		}
		if (message.epoch) showEpoch(message);
		if (message.outOfTime) status.textContent += ` ${fill(texts.out_of_time, { seconds: MAX_SECONDS })}`;
		if (message.epoch || message.done) report(choices, Boolean(message.done));
		if (message.done) {
			button.textContent = texts.start;
			root.querySelector(".train-try").hidden = false;
		}
		if (message.chances) showAnswer(message.chances);
	};
	button.textContent = texts.stop;
	worker.postMessage({ choices, digits: data.digits, labels: data.labels });
}

// What a lesson checks.
function report(choices, done) {
	const { epoch, loss, accuracy, validationAccuracy, stopped } = history.at(-1) ?? {};
	trazo.report("training", {
		...choices,
		steps: Math.ceil(choices.rows / choices.batch),
		epoch,
		loss,
		validationAccuracy,
		gap: accuracy - validationAccuracy,
		learned: Number.isFinite(loss) && validationAccuracy >= 0.3, // by chance: 0.1
		restrained: choices.dropout > 0 || choices.l2 > 0,
		stopped,
		done,
	});
}

function stop() {
	worker?.terminate();
	worker = null;
	button.textContent = texts.start;
}

button.addEventListener("click", (event) => {
	event.preventDefault();
	if (worker && button.textContent === texts.stop) stop();
	else start();
});
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", ({ target }) => {
	if (target !== form.elements.preset) form.elements.preset.value = "own";
	else if (target.value !== "own") usePreset(target.value);
});

// --- The page's address ---

// Take the choices that an address, or a step of the lesson, names; what cannot be chosen is left out.
function takeChoices(wanted) {
	const controls = [...form.querySelectorAll("select")];
	if (!controls.some(({ name }) => name in wanted)) return;
	stop();
	clearResults(); // of what was chosen before
	const choose = (control) => {
		if ([...control.options].some(({ value }) => value === wanted[control.name])) control.value = wanted[control.name];
	};
	form.elements.preset.value = "base";
	choose(form.elements.preset);
	usePreset(form.elements.preset.value);
	controls.forEach(choose);
}

// The address names the preset, and what is chosen otherwise.
form.addEventListener("change", () => {
	const preset = form.elements.preset.value;
	const usual = { ...BASE, ...PRESETS[preset], preset: "base" };
	const changes = [...form.querySelectorAll("select")].map(({ name, value }) => trazo.changed(name, value, String(usual[name])));
	trazo.setLink(Object.assign({}, ...changes));
});
trazo.listen((name, value) => name === "choices" && takeChoices(value));

// --- Trying it ---

const canvas = root.querySelector("canvas");
const context = canvas.getContext("2d", { willReadFrequently: true });
let drawing = false;

function clear() {
	context.fillStyle = "#fff";
	context.fillRect(0, 0, canvas.width, canvas.height);
	root.querySelector(".train-answer").textContent = "";
}

canvas.addEventListener("pointerdown", (event) => {
	canvas.setPointerCapture(event.pointerId);
	drawing = true;
	context.lineWidth = 16;
	context.lineCap = context.lineJoin = "round";
	context.beginPath();
	draw(event);
});
canvas.addEventListener("pointermove", (event) => drawing && draw(event));
canvas.addEventListener("pointerup", () => {
	drawing = false;
	worker?.postMessage({ ink: inkOf(context.getImageData(0, 0, canvas.width, canvas.height)), side: canvas.width });
	props.value = { drawing: canvas.toDataURL("image/png") };
	trigger("input");
});
root.querySelector(".train-clear").addEventListener("click", clear);

function draw(event) {
	const box = canvas.getBoundingClientRect();
	context.lineTo(((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height);
	context.stroke();
}

const inkOf = ({ data }) => Float32Array.from({ length: data.length / 4 }, (_, i) => 255 - data[4 * i]);

function showAnswer(chances) {
	const best = chances.indexOf(Math.max(...chances));
	root.querySelector(".train-answer").textContent = fill(texts.answer, { digit: best, chance: percent.format(chances[best]) });
}

for (const label of root.querySelectorAll("[data-text]")) {
	const value = Number(label.textContent); // of an option that is a number
	label.textContent = texts[label.dataset.text] ?? (value >= 0 && label.textContent ? choice.format(value) : label.textContent);
}
canvas.setAttribute("aria-label", texts.canvas);
usePreset("base");
clear();
stop();
takeChoices(trazo.choices);
root.hidden = false;
watch("value", () => {
	if (props.value?.worker) {
		data = props.value;
		start();
	}
	if (props.value?.bundled) root.querySelector(".train-bundled").textContent = fill(texts.bundled, { answer: props.value.bundled });
});
