// The lens of the edges tab: a frame moves over the gray image and its result, and between them stands the arithmetic
// of the pixel under it. Everything is computed here from the image that the page shows, so no move asks the server.
// Gradio runs this once, when the component appears, after weights.js and convolution.js, and provides `element`,
// `props` and `watch`. The value:
// { original, photo, alt, kernel, turned, sign, threshold, padding, stride, gain, row, column }: part of the image's
// address, what it shows and what the result shows in words, and how the result was computed; `kernel` as it is applied,
// already turned for a convolution, and whether it was; where the lens starts.
const root = element.querySelector(".lens");
const preferred = navigator.language.split("-")[0];
const language = preferred in root.dataset ? preferred : "en"; // the attributes are data-en, data-es …
const texts = JSON.parse(root.dataset[language]);
const [input, output] = [...root.querySelectorAll("figure")].map((figure) => ({
	view: figure.querySelector(".lens-view"),
	plane: figure.querySelector(".lens-plane"),
	canvas: figure.querySelector("canvas"),
	frame: figure.querySelector(".lens-frame"),
	caption: figure.querySelector("figcaption"),
	unit: 1, // pixels of the canvas for one of the image
	top: 0, // zeros that are drawn before the first row and column
	left: 0,
}));
const tables = root.querySelector(".lens-tables");
const chips = root.querySelector(".lens-chips");
const spoken = root.querySelector(".lens-spoken");
const play = root.querySelector("button");
const STEP_MS = 250; // of playing
const SPEAK_AFTER_MS = 400; // without a move: a reader would otherwise be interrupted by each
const MAX_TABLE_SIDE = 7; // larger kernels are shown as a sum only
const CELL_PX = 64; // of the example, whose numbers are drawn
let scene = null; // { gray, width, height, kernel, down, across, sums, … }
let photo = null; // { gray, width, height } of the image that the page shows
let row = 0; // of the sum that is shown
let column = 0;
const centers = { example: [1, 1] }; // of the kernel, in the example and in the image: where each is looked at
let timer = null;
let speech = null;

const number = new Intl.NumberFormat(language, { maximumSignificantDigits: 4, useGrouping: false });
const whole = new Intl.NumberFormat(language, { useGrouping: false });
const format = (value) => (Number.isInteger(value) ? whole : number).format(value === 0 ? 0 : value).replace("-", "−");
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const percent = (value, size) => `${(100 * value) / size}%`;

// --- Drawing ---

function paint({ canvas }, width, height, colorAt) {
	canvas.width = width;
	canvas.height = height;
	const context = canvas.getContext("2d");
	const image = context.createImageData(width, height);
	for (let pixel = 0; pixel < width * height; pixel++) image.data.set([...colorAt(pixel), 255], 4 * pixel);
	context.putImageData(image, 0, 0);
}

// The example: squares with their numbers; those outside the image, which are zeros, are dashed.
function paintCells({ canvas, unit, top, left }, columns, rows, cellAt) {
	canvas.width = columns * unit;
	canvas.height = rows * unit;
	const context = canvas.getContext("2d");
	context.textAlign = "center";
	context.textBaseline = "middle";
	for (let y = -top; y < rows - top; y++) {
		for (let x = -left; x < columns - left; x++) {
			const { text, color, isOutside } = cellAt(y, x);
			const [red, green, blue] = color;
			const [px, py] = [(x + left) * unit, (y + top) * unit];
			context.fillStyle = `rgb(${red} ${green} ${blue})`;
			context.fillRect(px, py, unit, unit);
			context.strokeStyle = "#777";
			context.setLineDash(isOutside ? [6, 5] : []);
			context.strokeRect(px + 1.5, py + 1.5, unit - 3, unit - 3);
			context.fillStyle = 0.3 * red + 0.59 * green + 0.11 * blue > 117 ? "#000" : "#fff"; // the one with more contrast
			context.font = `600 ${Math.round(unit / Math.max(3.2, 0.75 * String(text).length))}px monospace`;
			context.fillText(text, px + unit / 2, py + unit / 2, unit - 8);
		}
	}
}

function drawScene() {
	const { gray, width, height, down, across, sums, isExample } = scene;
	root.classList.toggle("lens-example", isExample);
	for (const one of [input, output]) one.unit = isExample ? CELL_PX : 1;
	input.top = isExample ? down.before : 0;
	input.left = isExample ? across.before : 0;
	if (isExample) {
		const inside = (y, x) => y >= 0 && y < height && x >= 0 && x < width;
		paintCells(input, width + across.before + across.after, height + down.before + down.after, (y, x) => {
			const level = inside(y, x) ? gray[y * width + x] : 0;
			return { text: level, color: [level, level, level], isOutside: !inside(y, x) };
		});
		paintCells(output, across.count, down.count, (y, x) => {
			const sum = sums[y * across.count + x];
			return { text: format(sum), color: colorOf(sum, scene) };
		});
	} else {
		paint(input, width, height, (pixel) => [gray[pixel], gray[pixel], gray[pixel]]);
		paint(output, across.count, down.count, (pixel) => colorOf(sums[pixel], scene));
	}
	placeResult();
}

// The result at the scale of the image: a stride makes it smaller, and where no sum is computed the view is hatched.
function placeResult() {
	const { width, height, down, across, stride } = scene;
	const before = ({ first }) => Math.max(first + 0.5 - stride / 2, 0);
	output.view.style.width = percent(width / stride, input.canvas.width / input.unit);
	output.view.style.aspectRatio = `${width} / ${height}`;
	output.plane.style.left = percent(before(across), width);
	output.plane.style.top = percent(before(down), height);
	output.plane.style.width = percent(Math.min(across.count * stride, width - before(across)), width);
	output.plane.style.height = percent(Math.min(down.count * stride, height - before(down)), height);
}

// The frames are elements over the canvases: moving them draws nothing again.
function placeFrame({ frame, canvas, unit, top, left }, y, x, side) {
	frame.style.top = percent((y + top) * unit, canvas.height);
	frame.style.left = percent((x + left) * unit, canvas.width);
	frame.style.height = percent(side * unit, canvas.height);
	frame.style.width = percent(side * unit, canvas.width);
}

// --- The arithmetic of one pixel ---

function table(caption, cells, toCell) {
	const made = document.createElement("table");
	made.className = "kernel";
	made.createCaption().textContent = caption;
	for (const line of cells) {
		const tr = made.insertRow();
		for (const value of line) toCell(tr.insertCell(), value);
	}
	return made;
}

function grayCell(cell, level) {
	cell.textContent = level === null ? "0" : level;
	cell.className = level === null ? "gray outside" : "gray";
	cell.style.background = `rgb(${level ?? 0} ${level ?? 0} ${level ?? 0})`;
	cell.style.color = level > 117 ? "#000" : "#fff"; // the one with more contrast
}

function signCell(cell, value) {
	cell.textContent = format(value);
	cell.className = value > 0 ? "plus" : value < 0 ? "minus" : "zero";
}

function operator(sign) {
	const made = document.createElement("b");
	made.textContent = sign;
	return made;
}

function chip(text, className = "") {
	const made = document.createElement("span");
	made.textContent = text;
	made.className = className;
	return made;
}

// From the sum to the pixel, one chip per step; returns the words of the last one.
function showSteps(sum) {
	const { sign, threshold, denominator } = scene;
	const divided = denominator ? `${format(Math.round(sum * denominator))} / ${denominator} = ` : "";
	const steps = [chip(`${texts.sum} ${divided}${format(sum)}`)];
	let size = sum;
	if (sum < 0) {
		size = sign === "clipped" ? 0 : -sum;
		steps.push(chip(`${sign === "clipped" ? "ReLU" : texts.absolute} → ${format(size)}`));
	}
	const color = sign !== "signed" ? "white" : sum < 0 ? "orange" : "blue";
	let answer;
	if (threshold === null) {
		const level = format(Math.round(Math.min(Math.max(size, 0) * scene.gain, 255)));
		answer = fill(sign === "signed" ? texts.brightness : texts.level, { level, color: texts[color] });
		steps.push(chip(answer));
	} else {
		const isAbove = size > threshold;
		answer = texts[isAbove ? color : "black"];
		steps.push(chip(`${format(size)} ${isAbove ? ">" : "≤"} ${format(threshold)} → ${answer}`, isAbove ? color : "black"));
	}
	if (scene.gain !== 1) steps.push(chip(fill(texts.brighter, { gain: format(scene.gain) })));
	chips.replaceChildren(...steps);
	return answer;
}

// Product by product for a small kernel, row by row for a larger one.
function runningSum(products) {
	let total = 0;
	const parts = products.length <= 3 ? products.flat() : products.map((line) => line.reduce((sum, value) => sum + value, 0));
	return parts.map((value) => format((total += value))).join(" → ");
}

function show() {
	const { kernel, turned, down, across, stride, denominator } = scene;
	const side = kernel.length;
	const [y, x] = [down.first + row * stride, across.first + column * stride];
	placeFrame(input, y - (side >> 1), x - (side >> 1), side);
	placeFrame(output, row, column, 1);
	centers[scene.isExample ? "example" : "image"] = [y, x];
	const weights = denominator ? kernel.map((line) => line.map((weight) => Math.round(weight * denominator))) : kernel;
	const patch = patchAt(scene, y, x);
	const products = weights.map((line, i) => line.map((weight, j) => weight * (patch[i][j] ?? 0)));
	const caption = denominator ? fill(texts.weights_over, { denominator }) : turned ? texts.weights_turned : texts.weights;
	const steps = [[texts.grays, patch, grayCell], [caption, weights, signCell], [texts.products, products, signCell]];
	const [grays, weightTable, productTable] = side <= MAX_TABLE_SIDE ? steps.map((step) => table(...step)) : [];
	tables.replaceChildren(...(grays ? [grays, operator("×"), weightTable, operator("="), productTable] : []));
	const sum = scene.sums[row * across.count + column];
	const answer = showSteps(sum);
	root.querySelector(".lens-running").textContent = side <= MAX_TABLE_SIDE ? `${texts.running} ${runningSum(products)}` : "";
	root.querySelector(".lens-where").textContent = fill(texts.where, { row: y, column: x });
	return fill(texts.spoken, { row: y, column: x, sum: format(sum), answer });
}

function describeSize() {
	const { width, height, down, across, stride, kernel } = scene;
	const [wide, high] = [sizeFormula(width, across, kernel.length, stride), sizeFormula(height, down, kernel.length, stride)];
	const formulas = wide === high ? wide : `${wide},  ${high}`;
	const sizes = `${width} × ${height} → ${across.count} × ${down.count}`;
	root.querySelector(".lens-size").textContent = `${sizes}:  ${texts.formula} = ${formulas}`;
}

// Said by a screen reader once nothing has moved for a moment.
function speak(sentence) {
	clearTimeout(speech);
	speech = setTimeout(() => (spoken.textContent = sentence), SPEAK_AFTER_MS);
}

// --- Moving ---

function moveTo(y, x, before = "") {
	if (!scene) return;
	row = Math.min(Math.max(y, 0), scene.down.count - 1);
	column = Math.min(Math.max(x, 0), scene.across.count - 1);
	const sentence = show();
	reportSoon();
	if (before !== null) speak(`${before} ${sentence}`.trim());
}

function follow(one, toSum) {
	const { canvas } = one;
	const move = (event) => {
		if (!scene || !event.isPrimary) return;
		const box = canvas.getBoundingClientRect();
		const y = Math.floor(((event.clientY - box.top) * canvas.height) / box.height / one.unit) - one.top;
		const x = Math.floor(((event.clientX - box.left) * canvas.width) / box.width / one.unit) - one.left;
		stop();
		moved = true;
		moveTo(...toSum(y, x));
	};
	canvas.addEventListener("pointermove", move);
	canvas.addEventListener("pointerdown", (event) => {
		canvas.setPointerCapture(event.pointerId);
		move(event);
	});
	canvas.addEventListener("keydown", (event) => {
		const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
		if (!step) return;
		event.preventDefault(); // the page would scroll
		stop();
		moved = true;
		const far = event.shiftKey ? 10 : 1;
		moveTo(row + far * step[0], column + far * step[1]);
	});
	canvas.setAttribute("role", "application"); // so that a reader passes the arrow keys on
	canvas.setAttribute("aria-roledescription", texts.role);
	canvas.tabIndex = 0;
}
follow(input, (y, x) => [Math.round((y - scene.down.first) / scene.stride), Math.round((x - scene.across.first) / scene.stride)]);
follow(output, (y, x) => [y, x]);

function stop() {
	clearInterval(timer);
	timer = null;
	play.textContent = `▶ ${texts.play}`;
	play.setAttribute("aria-pressed", "false");
}

play.addEventListener("click", () => {
	if (timer) return stop();
	play.textContent = `⏸ ${texts.pause}`;
	play.setAttribute("aria-pressed", "true");
	timer = setInterval(() => {
		if (!scene) return;
		const { count } = scene.across;
		const next = row * count + column + 1;
		moveTo(Math.floor(next / count) % scene.down.count, next % count);
	}, STEP_MS);
});
