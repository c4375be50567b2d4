// The surface to draw on. Gradio runs this once, when the component appears, and provides `element`, `props` and
// `trigger`. Pointer events serve mouse, finger and pen alike.
const canvas = element.querySelector("canvas");
const [undo, wipe] = element.querySelectorAll("button");
const width = element.querySelector("input");
const pen = canvas.getContext("2d", { willReadFrequently: true });
let stroke = null; // the points of the stroke under way
let before = null; // the canvas as it was when the stroke began
const earlier = []; // the canvas before each stroke that can be taken back
const MOST = 30;
const PAUSE = 300; // milliseconds between two questions while a stroke is under way
let told = 0;

function clear() {
	pen.fillStyle = "#fff";
	pen.fillRect(0, 0, canvas.width, canvas.height);
}

// From the page's pixels to the canvas's own.
function place(event) {
	const box = canvas.getBoundingClientRect();
	return {
		x: ((event.clientX - box.left) * canvas.width) / box.width,
		y: ((event.clientY - box.top) * canvas.height) / box.height,
	};
}

// The whole stroke is drawn anew with each point: pieces laid end to end would show their joints.
function draw() {
	pen.putImageData(before, 0, 0);
	pen.lineWidth = Number(width.value);
	pen.lineCap = pen.lineJoin = "round";
	pen.strokeStyle = "#000";
	pen.beginPath();
	pen.moveTo(stroke[0].x, stroke[0].y);
	for (const point of stroke) pen.lineTo(point.x, point.y);
	if (stroke.length === 1) pen.lineTo(stroke[0].x + 0.1, stroke[0].y); // a tap is a dot; a line of no length is nothing
	pen.stroke();
}

function blank() {
	return pen.getImageData(0, 0, canvas.width, canvas.height).data.every((value) => value === 255);
}

function remember(picture) {
	earlier.push(picture);
	if (earlier.length > MOST) earlier.shift();
}

function enable() {
	undo.disabled = !earlier.length;
	wipe.disabled = blank();
}

function tell(value) {
	told = performance.now();
	enable();
	props.value = value;
	trigger("input");
}

canvas.addEventListener("pointerdown", (event) => {
	if (event.button !== 0 || !event.isPrimary) return;
	canvas.setPointerCapture(event.pointerId);
	before = pen.getImageData(0, 0, canvas.width, canvas.height);
	remember(before);
	stroke = [place(event)];
	draw();
});
canvas.addEventListener("pointermove", (event) => {
	if (!stroke || !event.isPrimary) return;
	for (const step of event.getCoalescedEvents?.() ?? [event]) stroke.push(place(step));
	draw();
	if (performance.now() - told > PAUSE) tell(canvas.toDataURL("image/png"));
});
for (const end of ["pointerup", "pointercancel"]) {
	canvas.addEventListener(end, () => {
		if (!stroke) return;
		stroke = null;
		tell(canvas.toDataURL("image/png"));
	});
}
undo.addEventListener("click", () => {
	if (!earlier.length) return;
	pen.putImageData(earlier.pop(), 0, 0);
	tell(blank() ? null : canvas.toDataURL("image/png"));
});
wipe.addEventListener("click", () => {
	remember(pen.getImageData(0, 0, canvas.width, canvas.height));
	clear();
	tell(null);
});

// The word in the browser's language: data-en, data-es …
const word = ({ dataset }) => dataset[navigator.language.split("-")[0]] ?? dataset.en;
canvas.setAttribute("role", "img");
canvas.setAttribute("aria-label", word(canvas));
for (const named of [undo, wipe, width.previousElementSibling]) named.textContent = word(named);
clear();
enable();
