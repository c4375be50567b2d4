// The lens of the edges tab: a frame moves over the gray image and its result, and between them stands the arithmetic
// of the pixel under it. Everything is computed here from the image that the page shows, so no move asks the server.
// Gradio runs this once, when the component appears, and provides `element`, `props` and `watch`. The value:
// { original, kernel, sign, threshold, padding, stride, gain }: part of the image's address, and how it was computed;
// `kernel` as it is applied, already turned for a convolution.
const root = element.querySelector(".lens");
const preferred = navigator.language.split("-")[0];
const language = preferred in root.dataset ? preferred : "en"; // the attributes are data-en, data-es …
const texts = JSON.parse(root.dataset[language]);
const [input, output] = root.querySelectorAll("canvas");
const tables = root.querySelector(".lens-tables");
const chips = root.querySelector(".lens-chips");
const formula = root.querySelector(".lens-size");
const spoken = root.querySelector(".lens-spoken");
const play = root.querySelector("button");
const STEP_MS = 250; // of playing
const SPEAK_AFTER_MS = 400; // without a move: a reader would otherwise be interrupted by each
const MAX_TABLE_SIDE = 7; // larger kernels are shown as a sum only
let scene = null; // { width, height, gray, rows, columns, top, left, sums, … }
let row = 0; // of the sum that is shown
let column = 0;
let timer = null;
let speech = null;

const number = new Intl.NumberFormat(language, { maximumSignificantDigits: 4 });
const format = (value) => number.format(value === 0 ? 0 : value).replace("-", "−");
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

// --- Arithmetic, as ui/edges/convolution.py does it ---

// Gray levels as Pillow's `convert("L")` rounds them.
function grayLevels(image) {
	const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
	const context = canvas.getContext("2d", { willReadFrequently: true });
	context.drawImage(image, 0, 0);
	const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
	const gray = new Uint8Array(width * height);
	for (let pixel = 0; pixel < gray.length; pixel++) {
		const [red, green, blue] = [data[4 * pixel], data[4 * pixel + 1], data[4 * pixel + 2]];
		gray[pixel] = (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16;
	}
	return { gray, width, height };
}

// Where the kernel's center is for the first sum along one axis, and how many sums there are.
function firstCenter(size, side, padding, stride) {
	if (padding === "valid") return [side >> 1, Math.max(0, Math.floor((size - side) / stride) + 1)];
	const count = Math.ceil(size / stride);
	const zeros = Math.max((count - 1) * stride + side - size, 0);
	return [(side >> 1) - (zeros >> 1), count];
}

function sumAt({ gray, width, height, kernel }, y, x) {
	const half = kernel.length >> 1;
	let sum = 0;
	for (let i = 0; i < kernel.length; i++) {
		const line = y + i - half;
		if (line < 0 || line >= height) continue;
		for (let j = 0; j < kernel.length; j++) {
			const place = x + j - half;
			if (place >= 0 && place < width) sum += kernel[i][j] * gray[line * width + place];
		}
	}
	return sum;
}

function computeSums(found) {
	const { rows, columns, top, left, stride } = found;
	const sums = new Float32Array(rows * columns);
	for (let i = 0; i < rows; i++) {
		for (let j = 0; j < columns; j++) sums[i * columns + j] = sumAt(found, top + i * stride, left + j * stride);
	}
	return sums;
}

// What is shown of a sum: red, green, blue.
function colorOf(sum, { sign, threshold, gain }) {
	const size = sign === "clipped" ? sum : Math.abs(sum);
	const share = threshold === null ? Math.min(Math.max((gain * size) / 255, 0), 1) : Number(size > threshold);
	if (sign !== "signed") return [1, 1, 1].map((one) => Math.round(255 * share * one));
	return (sum < 0 ? [255, 150, 50] : [64, 132, 255]).map((one) => Math.round(one * share));
}

// --- Drawing ---

function paint(canvas, width, height, pixelAt) {
	canvas.width = width;
	canvas.height = height;
	const context = canvas.getContext("2d");
	const image = context.createImageData(width, height);
	for (let pixel = 0; pixel < width * height; pixel++) {
		const [red, green, blue] = pixelAt(pixel);
		image.data.set([red, green, blue, 255], 4 * pixel);
	}
	context.putImageData(image, 0, 0);
}

// The frames are elements over the canvases: moving them draws nothing again.
function placeFrame(canvas, y, x, side) {
	const frame = canvas.nextElementSibling;
	const percent = (value, size) => `${(100 * value) / size}%`;
	frame.style.top = percent(y, canvas.height);
	frame.style.left = percent(x, canvas.width);
	frame.style.height = percent(side, canvas.height);
	frame.style.width = percent(side, canvas.width);
}

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
	cell.className = level === null ? "outside" : "";
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
	const { sign, threshold } = scene;
	const steps = [chip(`${texts.sum} ${format(sum)}`)];
	let size = sum;
	if (sum < 0) {
		size = sign === "clipped" ? 0 : -sum;
		steps.push(chip(`${sign === "clipped" ? "ReLU" : texts.absolute} → ${format(size)}`));
	}
	let answer;
	if (threshold === null) {
		answer = fill(texts.level, { level: format(Math.round(Math.min(size * scene.gain, 255))) });
		steps.push(chip(answer));
	} else {
		answer = size > threshold ? texts.white : texts.black;
		const relation = size > threshold ? ">" : "≤";
		steps.push(chip(`${format(size)} ${relation} ${format(threshold)} → ${answer}`, size > threshold ? "white" : "black"));
	}
	if (scene.gain !== 1) steps.push(chip(fill(texts.brighter, { gain: format(scene.gain) })));
	chips.replaceChildren(...steps);
	return answer;
}

function runningSum(products) {
	let total = 0;
	return products.flat().map((value) => format((total += value))).join(" → ");
}

function show() {
	if (!scene) return;
	const { kernel, gray, width, height, top, left, stride, columns } = scene;
	const side = kernel.length;
	const [y, x] = [top + row * stride, left + column * stride];
	placeFrame(input, y - (side >> 1), x - (side >> 1), side);
	placeFrame(output, row, column, 1);
	const patch = kernel.map((weights, i) =>
		weights.map((_, j) => {
			const [line, place] = [y + i - (side >> 1), x + j - (side >> 1)];
			return line >= 0 && line < height && place >= 0 && place < width ? gray[line * width + place] : null;
		}),
	);
	const products = kernel.map((weights, i) => weights.map((weight, j) => weight * (patch[i][j] ?? 0)));
	if (side <= MAX_TABLE_SIDE) {
		tables.replaceChildren(
			table(texts.grays, patch, grayCell),
			operator("×"),
			table(texts.weights, kernel, signCell),
			operator("="),
			table(texts.products, products, signCell),
		);
	} else tables.replaceChildren();
	const sum = scene.sums[row * columns + column];
	const answer = showSteps(sum);
	root.querySelector(".lens-running").textContent = side <= 3 ? `${texts.running} ${runningSum(products)}` : "";
	clearTimeout(speech);
	speech = setTimeout(() => {
		spoken.textContent = fill(texts.spoken, { row: y, column: x, sum: format(sum), answer });
	}, SPEAK_AFTER_MS);
}

function describeSize() {
	const { width, height, rows, columns, padding, stride, kernel } = scene;
	const axis = (size, count) =>
		padding === "same" ? `⌈${size} / ${stride}⌉ = ${count}` : `⌊(${size} − ${kernel.length}) / ${stride}⌋ + 1 = ${count}`;
	formula.textContent = `${width} × ${height} → ${columns} × ${rows}:  ${axis(width, columns)},  ${axis(height, rows)}`;
}

// --- Moving ---

function moveTo(y, x) {
	if (!scene) return;
	row = Math.min(Math.max(y, 0), scene.rows - 1);
	column = Math.min(Math.max(x, 0), scene.columns - 1);
	show();
}

function follow(canvas, toSum) {
	const move = (event) => {
		if (!scene || !event.isPrimary) return;
		const box = canvas.getBoundingClientRect();
		const y = Math.floor(((event.clientY - box.top) * canvas.height) / box.height);
		const x = Math.floor(((event.clientX - box.left) * canvas.width) / box.width);
		stop();
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
		const far = event.shiftKey ? 10 : 1;
		moveTo(row + far * step[0], column + far * step[1]);
	});
	canvas.setAttribute("role", "application"); // so that a reader passes the arrow keys on
	canvas.setAttribute("aria-roledescription", texts.role);
	canvas.tabIndex = 0;
}
follow(input, (y, x) => [Math.round((y - scene.top) / scene.stride), Math.round((x - scene.left) / scene.stride)]);
follow(output, (y, x) => [y, x]);
input.setAttribute("aria-label", texts.input);
output.setAttribute("aria-label", texts.output);
input.parentElement.nextElementSibling.textContent = texts.input;
output.parentElement.nextElementSibling.textContent = texts.output;

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
		const next = row * scene.columns + column + 1;
		moveTo(Math.floor(next / scene.columns) % scene.rows, next % scene.columns);
	}, STEP_MS);
});

// --- What the server sends ---

let loaded = 0; // only the last of several images that load at the same time is shown

async function update() {
	const value = props.value;
	const request = ++loaded;
	if (!value?.kernel) {
		scene = null;
		root.hidden = true;
		return;
	}
	const image = await shownImage(value.original);
	if (request !== loaded) return;
	const first = !scene;
	const { gray, width, height } = grayLevels(image);
	const [top, rows] = firstCenter(height, value.kernel.length, value.padding, value.stride);
	const [left, columns] = firstCenter(width, value.kernel.length, value.padding, value.stride);
	scene = { ...value, gray, width, height, top, left, rows, columns };
	scene.sums = computeSums(scene);
	root.hidden = false;
	paint(input, width, height, (pixel) => [gray[pixel], gray[pixel], gray[pixel]]);
	paint(output, columns, rows, (pixel) => colorOf(scene.sums[pixel], scene));
	describeSize();
	if (first) [row, column] = [Math.round((value.row - top) / value.stride), Math.round((value.column - left) / value.stride)];
	moveTo(row, column);
}

// The page already shows the image: wait until it is this one, and loaded.
function shownImage(name) {
	return new Promise((resolve) => {
		const look = async () => {
			const image = [...document.querySelectorAll("#edges-result img")].find(({ src }) => src.includes(name));
			if (!image) return setTimeout(look, 50);
			await image.decode().catch(() => {});
			return image.naturalWidth ? resolve(image) : setTimeout(look, 50);
		};
		look();
	});
}

stop();
watch("value", update);
update();
