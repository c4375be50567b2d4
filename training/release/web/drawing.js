// A drawing -> the network's input, as `model.preprocess.sketch` of Trazo makes it, by the same steps in the same order.
// An image is { width, height, values }, row by row. What Python does besides, for photographs, scans and screenshots
// (paper of any color, shades, ruled lines, frames, captions, dust), a drawing on this page's own white canvas does not need.
const BOX_SHARE = 20 / 28;
const OVERSAMPLING = 8; // drawings are shaped at 8 times the network's size, then averaged down
const STROKE_SHARE = 2.34 / 28; // width of MNIST's strokes
const MIN_INK_SHARE = 0.3; // of the strongest ink
const MIN_CONTRAST_LEVELS = 16;

// Python and OpenCV round a half to the even neighbor.
function round(x) {
	const low = Math.floor(x);
	const part = x - low;
	return part < 0.5 || (part === 0.5 && low % 2 === 0) ? low : low + 1;
}
const clip = (x, low, high) => Math.max(low, Math.min(x, high));
const blank = (width, height) => ({ width, height, values: new Float32Array(width * height) });

function largestOf({ values }) {
	let largest = 0;
	for (let i = 0; i < values.length; i++) if (values[i] > largest) largest = values[i];
	return largest;
}

function cut({ width, values }, left, top, columns, rows) {
	const made = blank(columns, rows);
	for (let y = 0; y < rows; y++) {
		const from = (y + top) * width + left;
		made.values.set(values.subarray(from, from + columns), y * columns);
	}
	return made;
}

// Cuts an image out to what is drawn.
function crop(ink) {
	const { width, height, values } = ink;
	const threshold = Math.fround(MIN_INK_SHARE * largestOf(ink));
	let [left, top, right, bottom] = [width, height, -1, -1];
	for (let y = 0; y < height; y++)
		for (let x = 0; x < width; x++) {
			if (values[y * width + x] <= threshold) continue;
			left = Math.min(left, x);
			right = Math.max(right, x);
			top = Math.min(top, y);
			bottom = y;
		}
	return cut(ink, left, top, right - left + 1, bottom - top + 1);
}

// --- Resizing, as OpenCV does it: averages of areas to shrink, between neighbors to enlarge ---

// Which of `from` pixels each of `to` pixels is made of: the first of them, how many, and their shares.
function areas(from, to) {
	const scale = from / to;
	return Array.from({ length: to }, (_, place) => {
		const [start, end] = [place * scale, (place + 1) * scale];
		const size = Math.min(scale, from - start);
		const last = Math.min(Math.floor(end), from - 1);
		const first = Math.min(Math.ceil(start), last);
		const hasPart = first - start > 1e-3;
		const shares = hasPart ? [(first - start) / size] : [];
		for (let i = first; i < last; i++) shares.push(1 / size);
		if (end - last > 1e-3) shares.push(Math.min(end - last, 1, size) / size);
		return { first: first - hasPart, shares };
	});
}

function neighbors(from, to) {
	const scale = from / to;
	return Array.from({ length: to }, (_, place) => {
		const middle = (place + 0.5) * scale - 0.5;
		const first = Math.floor(middle);
		if (first < 0) return { first: 0, shares: [1] };
		if (first >= from - 1) return { first: from - 1, shares: [1] };
		return { first, shares: [1 - (middle - first), middle - first] };
	});
}

function resize(image, width, height) {
	const parts = width < image.width || height < image.height ? areas : neighbors;
	const narrow = blank(width, image.height);
	parts(image.width, width).forEach(({ first, shares }, x) => {
		for (let y = 0; y < image.height; y++) {
			let sum = 0;
			for (let i = 0; i < shares.length; i++) sum += image.values[y * image.width + first + i] * shares[i];
			narrow.values[y * width + x] = sum;
		}
	});
	const made = blank(width, height);
	parts(image.height, height).forEach(({ first, shares }, y) => {
		for (let i = 0; i < shares.length; i++)
			for (let x = 0; x < width; x++) made.values[y * width + x] += narrow.values[(first + i) * width + x] * shares[i];
	});
	return made;
}

function resizeLongestSide(ink, side) {
	const scale = side / Math.max(ink.width, ink.height);
	return resize(ink, Math.max(1, round(ink.width * scale)), Math.max(1, round(ink.height * scale)));
}

// --- Width of strokes ---

// The squared distance of each pixel to the nearest paper, in an image with a border of paper.
function squaredDistances({ width, height, values }) {
	const [wide, high] = [width + 2, height + 2];
	const vertical = new Float64Array(wide * high);
	for (let x = 0; x < width; x++) {
		const at = (y) => (y + 1) * wide + x + 1;
		for (let y = 0; y < height; y++) vertical[at(y)] = values[y * width + x] > 0.5 ? vertical[at(y - 1)] + 1 : 0;
		for (let y = height - 1; y >= 0; y--) vertical[at(y)] = Math.min(vertical[at(y)], vertical[at(y + 1)] + 1);
	}
	const squared = vertical.map((distance) => distance * distance);
	for (let i = 0; i < squared.length; i++)
		for (let d = 1; d * d < squared[i]; d++) {
			const nearer = Math.min(vertical[i - d], vertical[i + d]);
			squared[i] = Math.min(squared[i], nearer * nearer + d * d);
		}
	return { wide, squared };
}

// Along the middle line of a stroke, the distance to paper has its local maxima.
function strokeWidth(ink) {
	const { wide, squared } = squaredDistances(ink);
	const around = [-wide - 1, -wide, -wide + 1, -1, 1, wide - 1, wide, wide + 1];
	const ridge = [];
	for (let i = 0; i < squared.length; i++) {
		if (squared[i] > 0 && around.every((step) => squared[i + step] <= squared[i])) ridge.push(Math.sqrt(squared[i]));
	}
	ridge.sort((a, b) => a - b);
	const half = ridge.length >> 1;
	return ridge.length ? (ridge.length % 2 ? 2 * ridge[half] : ridge[half - 1] + ridge[half]) - 1 : 1;
}

// The disc of OpenCV's MORPH_ELLIPSE: for each row its first and last column, relative to the middle.
function disc(radius) {
	return Array.from({ length: 2 * radius + 1 }, (_, i) => round(Math.sqrt(radius ** 2 - (i - radius) ** 2)));
}

// Widens strokes by `growth` pixels in total, or thins them if it is negative.
function thicken(ink, growth) {
	const radius = round(Math.abs(growth) / 2);
	if (!radius) return ink;
	if (growth > 0) return extreme(surround(ink, radius), radius, false);
	const thinned = extreme(ink, radius, true);
	return largestOf(thinned) > MIN_INK_SHARE ? thinned : ink;
}

function surround(ink, by) {
	const made = blank(ink.width + 2 * by, ink.height + 2 * by);
	paste(ink, made, by, by);
	return made;
}

function paste(image, canvas, left, top) {
	for (let y = 0; y < image.height; y++) {
		const line = image.values.subarray(y * image.width, (y + 1) * image.width);
		canvas.values.set(line, (y + top) * canvas.width + left);
	}
}

// The largest or smallest value in the disc around each pixel; there is paper around the image.
function extreme(image, radius, isSmallest) {
	const { width, height, values } = surround(image, radius);
	const halves = disc(radius);
	const found = values.slice();
	const ofLine = values.slice(); // over `half` pixels to the left and to the right
	const choose = isSmallest ? Math.min : Math.max;
	for (let half = 0; half <= radius; half++) {
		if (half) for (let i = half; i < values.length - half; i++) ofLine[i] = choose(ofLine[i], choose(values[i - half], values[i + half]));
		for (let row = 0; row < halves.length; row++) {
			if (halves[row] !== half) continue;
			const step = (row - radius) * width;
			for (let i = radius * width; i < values.length - radius * width; i++) found[i] = choose(found[i], ofLine[i + step]);
		}
	}
	return cut({ width, height, values: found }, radius, radius, image.width, image.height);
}

// Places ink on a black canvas, its center of mass at the center, moved back if it would leave the canvas.
function centerByMass(ink, width, height) {
	let [mass, sumX, sumY] = [0, 0, 0];
	for (let y = 0; y < ink.height; y++)
		for (let x = 0; x < ink.width; x++) {
			const value = ink.values[y * ink.width + x];
			mass += value;
			sumX += value * x;
			sumY += value * y;
		}
	const left = clip(round(width / 2 - (sumX / mass + 0.5)), 0, width - ink.width);
	const top = clip(round(height / 2 - (sumY / mass + 0.5)), 0, height - ink.height);
	const canvas = blank(width, height);
	paste(ink, canvas, left, top);
	return canvas;
}

// gray: of the canvas, 0 to 255, dark strokes on white paper. Returns gray levels of the network's size, 0 for paper and
// 255 for full ink; null if nothing is drawn.
function drawingToPixels(gray, { width, height, channels }) {
	const drawn = blank(gray.width, gray.height);
	for (let i = 0; i < drawn.values.length; i++) drawn.values[i] = 255 - gray.values[i];
	const strongest = largestOf(drawn);
	if (strongest < MIN_CONTRAST_LEVELS) return null;
	let ink = crop(drawn);
	for (let i = 0; i < ink.values.length; i++) ink.values[i] /= strongest;
	ink = crop(ink);
	const side = Math.min(height, width) * OVERSAMPLING;
	const [box, stroke] = [side * BOX_SHARE, side * STROKE_SHARE];
	// Widening strokes by d pixels widens the box by d as well, so the ink is first resized to what remains.
	ink = resizeLongestSide(ink, box);
	const growth = clip(stroke - strokeWidth(ink), -stroke, 0.9 * stroke);
	ink = thicken(resizeLongestSide(ink, box - growth), growth);
	ink = resizeLongestSide(crop(ink), box);
	const small = resize(centerByMass(ink, width * OVERSAMPLING, height * OVERSAMPLING), width, height);
	const factor = 255 / Math.max(largestOf(small), 1e-6);
	return Uint8Array.from({ length: width * height * channels }, (_, i) => round(small.values[Math.floor(i / channels)] * factor));
}

// --- Images of any size, as `model.preprocess.pixels.letterbox` resizes them: aspect kept, black around ---

// rgba: of a canvas, without transparency. Returns what `drawingToPixels` returns.
function imageToPixels(rgba, { width, height, channels }) {
	const scale = Math.min(height / rgba.height, width / rgba.width);
	const [columns, rows] = [rgba.width, rgba.height].map((side) => Math.max(1, round(side * scale)));
	const [left, top] = [(width - columns) >> 1, (height - rows) >> 1];
	const made = new Uint8Array(width * height * channels);
	const grayOf = (i) => (rgba.data[i] * 4899 + rgba.data[i + 1] * 9617 + rgba.data[i + 2] * 1868 + 8192) >> 14; // as OpenCV
	for (let channel = 0; channel < channels; channel++) {
		const plane = blank(rgba.width, rgba.height);
		for (let i = 0; i < plane.values.length; i++) plane.values[i] = channels === 1 ? grayOf(4 * i) : rgba.data[4 * i + channel];
		const small = resize(plane, columns, rows);
		for (let y = 0; y < rows; y++)
			for (let x = 0; x < columns; x++) made[((y + top) * width + x + left) * channels + channel] = round(small.values[y * columns + x]);
	}
	return made;
}
