// The surface to draw on. Gradio runs this once, when the component appears, and provides `element`, `props` and
// `trigger`. Pointer events serve mouse, finger and pen alike.
const canvas = element.querySelector("canvas");
const button = element.querySelector("button");
const pen = canvas.getContext("2d", { willReadFrequently: true });
let stroke = null; // the points of the stroke under way
let before = null; // the canvas as it was when the stroke began

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
	pen.lineWidth = Number(canvas.dataset.brush);
	pen.lineCap = pen.lineJoin = "round";
	pen.strokeStyle = "#000";
	pen.beginPath();
	pen.moveTo(stroke[0].x, stroke[0].y);
	for (const point of stroke) pen.lineTo(point.x, point.y);
	if (stroke.length === 1) pen.lineTo(stroke[0].x + 0.1, stroke[0].y); // a tap is a dot; a line of no length is nothing
	pen.stroke();
}

function tell(value) {
	props.value = value;
	trigger("input");
}

canvas.addEventListener("pointerdown", (event) => {
	if (event.button !== 0 || !event.isPrimary) return;
	canvas.setPointerCapture(event.pointerId);
	before = pen.getImageData(0, 0, canvas.width, canvas.height);
	stroke = [place(event)];
	draw();
});
canvas.addEventListener("pointermove", (event) => {
	if (!stroke || !event.isPrimary) return;
	for (const step of event.getCoalescedEvents?.() ?? [event]) stroke.push(place(step));
	draw();
});
for (const end of ["pointerup", "pointercancel"]) {
	canvas.addEventListener(end, () => {
		if (!stroke) return;
		stroke = null;
		tell(canvas.toDataURL("image/png"));
	});
}
button.addEventListener("click", () => {
	clear();
	tell(null);
});

const language = navigator.language.startsWith("es") ? "es" : "en";
canvas.setAttribute("role", "img");
canvas.setAttribute("aria-label", canvas.dataset[language]);
button.textContent = button.dataset[language];
clear();
