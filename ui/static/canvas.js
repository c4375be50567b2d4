// The drawing canvas. Gradio runs this once, when the component appears, and provides `element`, `props` and `trigger`.
// Pointer events serve mouse, finger and pen alike.
const canvas = element.querySelector("canvas");
const [undoButton, clearButton] = element.querySelectorAll("button");
const widthSlider = element.querySelector("input");
const tools = element.querySelector(".tools");
const context = canvas.getContext("2d", { willReadFrequently: true });
const MAX_UNDO = 30;
const SEND_INTERVAL_MS = 300; // while a stroke is being drawn
let stroke = null; // points of the current stroke
let before = null; // the canvas before the current stroke
const history = []; // the canvas before each stroke that can be undone
let lastSent = 0;

// The text in the browser's language, from the attributes data-en, data-es …
const textOf = ({ dataset }) => dataset[navigator.language.split("-")[0]] ?? dataset.en;

function fillWhite() {
	context.fillStyle = "#fff";
	context.fillRect(0, 0, canvas.width, canvas.height);
}

// From page coordinates to canvas coordinates.
function toCanvas(event) {
	const box = canvas.getBoundingClientRect();
	return {
		x: ((event.clientX - box.left) * canvas.width) / box.width,
		y: ((event.clientY - box.top) * canvas.height) / box.height,
	};
}

// The whole stroke is redrawn with each point: separate pieces would show their joints.
function drawStroke() {
	context.putImageData(before, 0, 0);
	context.lineWidth = Number(widthSlider.value);
	context.lineCap = context.lineJoin = "round";
	context.strokeStyle = "#000";
	context.beginPath();
	context.moveTo(stroke[0].x, stroke[0].y);
	for (const point of stroke) context.lineTo(point.x, point.y);
	if (stroke.length === 1) context.lineTo(stroke[0].x + 0.1, stroke[0].y); // a line of length 0 would not show a dot
	context.stroke();
}

function snapshot() {
	return context.getImageData(0, 0, canvas.width, canvas.height);
}

function isBlank() {
	return snapshot().data.every((value) => value === 255);
}

function remember(image) {
	history.push(image);
	if (history.length > MAX_UNDO) history.shift();
}

function updateButtons() {
	undoButton.disabled = !history.length;
	clearButton.disabled = isBlank();
	canvas.setAttribute("aria-label", textOf(isBlank() ? tools : canvas));
}

function send(value) {
	lastSent = performance.now();
	updateButtons();
	props.value = value;
	trigger("input");
}

canvas.addEventListener("pointerdown", (event) => {
	if (event.button !== 0 || !event.isPrimary) return;
	canvas.setPointerCapture(event.pointerId);
	before = snapshot();
	remember(before);
	stroke = [toCanvas(event)];
	drawStroke();
});
canvas.addEventListener("pointermove", (event) => {
	if (!stroke || !event.isPrimary) return;
	for (const step of event.getCoalescedEvents?.() ?? [event]) stroke.push(toCanvas(step));
	drawStroke();
	if (performance.now() - lastSent > SEND_INTERVAL_MS) send(canvas.toDataURL("image/png"));
});
for (const end of ["pointerup", "pointercancel"]) {
	canvas.addEventListener(end, () => {
		if (!stroke) return;
		stroke = null;
		send(canvas.toDataURL("image/png"));
	});
}
undoButton.addEventListener("click", () => {
	if (!history.length) return;
	context.putImageData(history.pop(), 0, 0);
	send(isBlank() ? null : canvas.toDataURL("image/png"));
});
clearButton.addEventListener("click", () => {
	remember(snapshot());
	fillWhite();
	send(null);
});

canvas.setAttribute("role", "img");
for (const label of [undoButton, clearButton, widthSlider.previousElementSibling]) label.textContent = textOf(label);
fillWhite();
updateButtons();
