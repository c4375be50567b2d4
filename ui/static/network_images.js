// The map of the network, part 1: texts, numbers, elements and images. The parts are joined to one script, which runs once,
// when the panel is first seen; `element`, `props`, `trigger` and `watch` are Gradio's, `texts` came with the script.
const root = element.querySelector(".network");
const { language } = window.trazo;
const spoken = root.querySelector(".network-spoken");
const digits = new Intl.NumberFormat(language, { maximumSignificantDigits: 4, useGrouping: false });
const wholes = new Intl.NumberFormat(language, { useGrouping: "always" });
const percents = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
const POSITIVE = [64, 132, 255]; // as everywhere in the page: blue above zero, orange below
const NEGATIVE = [255, 150, 50];

// Four digits; very small and very large numbers with a power of ten.
function format(value) {
	if (value === null) return "–";
	const size = Math.abs(value);
	if (!Number.isFinite(value) || value === 0 || (size >= 1e-4 && size < 1e6)) return digits.format(value || 0).replace("-", "−");
	const exponent = Math.floor(Math.log10(size));
	const superscript = [...String(exponent)].map((one) => (one === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[one])).join("");
	return `${digits.format(value / 10 ** exponent).replace("-", "−")} × 10${superscript}`;
}

// A count, with the mark between thousands that the rest of the page has.
const whole = (count) => wholes.formatToParts(count).map(({ type, value }) => (type === "group" ? texts.thousands : value)).join("");
// As the answer above the map: never 100 % if something is left over.
const percent = (part) => (part < 0.0005 ? `< ${percents.format(0.001)}` : percents.format(part > 0.9999 ? 1 : Math.min(part, 0.999)));
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
// A number after a sign of an operation: negative ones in parentheses.
const operand = (value) => (value < 0 ? `(${format(value)})` : format(value));

// Create an element: make("p", { className: "a", textContent: "b" }, child, …).
function make(tag, properties = {}, ...children) {
	const made = Object.assign(document.createElement(tag), properties);
	made.append(...children);
	return made;
}

function makeButton(className, onClick, ...children) {
	const button = make("button", { type: "button", className }, ...children);
	button.addEventListener("click", onClick);
	return button;
}

// The heading of a part takes the focus when the part opens, so that keyboard and reader continue there.
const heading = (text) => make("h2", { textContent: text, tabIndex: -1 });

function unpackBytes(text) {
	return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

const unpackNumbers = (text) => new Float32Array(unpackBytes(text).buffer);

// Maps as `pack_maps` sends them: read(map, row, column) is a value, in 256 levels, of the maps that were sent.
function unpackMaps({ height, width, step, low, high, data }) {
	const levels = unpackBytes(data);
	const [rows, columns] = [Math.ceil(height / step), Math.ceil(width / step)];
	const read = (map, row, column) =>
		low[map] + ((high[map] - low[map]) * levels[(map * rows + row) * columns + column]) / 255;
	return { count: low.length, rows, columns, step, low, high, read };
}

// Paint values on a canvas, zero black; `strongest` has the full color.
function paint(canvas, rows, columns, read, strongest) {
	paintColors(canvas, rows, columns, (row, column) => {
		const value = read(row, column);
		const part = strongest > 0 ? Math.min(Math.abs(value) / strongest, 1) : 0;
		return (value < 0 ? NEGATIVE : POSITIVE).map((one) => one * part);
	});
}

function paintColors(canvas, rows, columns, colorAt) {
	canvas.width = columns;
	canvas.height = rows;
	const context = canvas.getContext("2d");
	const image = context.createImageData(columns, rows);
	for (let place = 0; place < rows * columns; place++) {
		image.data.set([...colorAt(Math.floor(place / columns), place % columns), 255], 4 * place);
	}
	context.putImageData(image, 0, 0);
}

const strongestOf = (maps, map) => Math.max(Math.abs(maps.low[map]), Math.abs(maps.high[map]));

// A canvas of one map; without a name it is decoration, and what is around it is read instead.
function mapCanvas(maps, map, name = "", strongest = strongestOf(maps, map)) {
	const canvas = make("canvas", { className: "network-image" });
	canvas.setAttribute(name ? "role" : "aria-hidden", name ? "img" : "true");
	if (name) canvas.setAttribute("aria-label", name);
	paint(canvas, maps.rows, maps.columns, (row, column) => maps.read(map, row, column), strongest);
	return canvas;
}

// The image that the network takes, in its own grays or colors.
function inputCanvas(packed, name = "") {
	const maps = unpackMaps(packed);
	const canvas = make("canvas", { className: "network-image" });
	canvas.setAttribute(name ? "role" : "aria-hidden", name ? "img" : "true");
	if (name) canvas.setAttribute("aria-label", name);
	const channels = maps.count === 3 ? [0, 1, 2] : [0, 0, 0];
	paintColors(canvas, maps.rows, maps.columns, (row, column) => channels.map((one) => maps.read(one, row, column)));
	return canvas;
}

// Single values as bars above and below a line.
function barCanvas(values) {
	const canvas = make("canvas", { className: "network-image network-bars", width: Math.max(values.length, 8), height: 32 });
	canvas.setAttribute("aria-hidden", "true");
	const context = canvas.getContext("2d");
	const strongest = Math.max(...values.map(Math.abs), 1e-30);
	const zero = values.some((value) => value < 0) ? 16 : 31;
	context.fillStyle = "#000";
	context.fillRect(0, 0, canvas.width, canvas.height);
	values.forEach((value, place) => {
		const height = (Math.abs(value) / strongest) * (zero === 16 ? 15 : 30);
		context.fillStyle = `rgb(${(value < 0 ? NEGATIVE : POSITIVE).join(" ")})`;
		context.fillRect(place, value < 0 ? zero : zero - height, 1, Math.max(height, 0.5));
	});
	return canvas;
}

function figure(canvas, caption) {
	return make("figure", {}, canvas, make("figcaption", { textContent: caption }));
}

const operator = (sign) => make("b", { textContent: sign, className: "network-operator" });

// A table of numbers; `decorate(cell, value, row, column)` fills a cell.
function table(caption, rows, columns, valueAt, decorate = signCell) {
	const made = make("table", { className: "kernel" });
	made.createCaption().textContent = caption;
	for (let row = 0; row < rows; row++) {
		const line = made.insertRow();
		for (let column = 0; column < columns; column++) decorate(line.insertCell(), valueAt(row, column), row, column);
	}
	return made;
}

function signCell(cell, value) {
	cell.textContent = format(value);
	cell.className = value > 0 ? "plus" : value < 0 ? "minus" : "zero";
	cell.dataset.value = value;
}

let speech = null;
const SPEAK_AFTER_MS = 400; // without a change: a reader would otherwise be interrupted by each

function say(text) {
	clearTimeout(speech);
	speech = setTimeout(() => {
		spoken.textContent = text;
	}, SPEAK_AFTER_MS);
}

// Show a part of the map, and move there if a person asked for it.
function openPart(part, moves, ...children) {
	part.replaceChildren(...children);
	part.hidden = false;
	if (moves) part.querySelector("h2").focus();
}

// One of several buttons is reached by Tab, the others from it by the arrow keys.
function moveByArrows(group) {
	const buttons = [...group.querySelectorAll("button")];
	buttons.forEach((button, place) => {
		button.tabIndex = place ? -1 : 0;
		button.addEventListener("keydown", (event) => {
			const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
			const next = buttons[place + (step ?? 0)];
			if (!step || !next) return;
			event.preventDefault();
			button.tabIndex = -1;
			next.tabIndex = 0;
			next.focus();
		});
	});
}
