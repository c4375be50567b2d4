// The worker of "Train it here": gets data and choices, sends a message after each epoch, then answers drawings.
// `tiny_cnn.js` stands before it in the same script.
const MAX_TRAIN = 1000; // the first digits are learned from, the others measure
const INK_SIDE = 10; // of a drawing in the 14 × 14 pixels, as MNIST leaves a margin
let layers = null;
let scaleOf = null;

// The sheet of digits, a PNG as base64, as gray levels digit by digit.
async function readDigits(base64, count) {
	const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
	const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
	const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
	context.drawImage(bitmap, 0, 0);
	const { data, width } = context.getImageData(0, 0, bitmap.width, bitmap.height);
	const columns = width / SIDE;
	const digits = new Uint8Array(count * SIDE * SIDE);
	for (let n = 0; n < count; n++)
		for (let y = 0; y < SIDE; y++)
			for (let x = 0; x < SIDE; x++) {
				const [row, column] = [Math.floor(n / columns) * SIDE + y, (n % columns) * SIDE + x];
				digits[(n * SIDE + y) * SIDE + x] = data[4 * (row * width + column)];
			}
	return digits;
}

// Fitted on the training images alone.
function fitScaling(method, pixels) {
	if (method === "none") return (value) => value;
	if (method === "min-max") return (value) => value / 255;
	const mean = pixels.reduce((sum, one) => sum + one, 0) / pixels.length;
	const deviation = Math.sqrt(pixels.reduce((sum, one) => sum + (one - mean) ** 2, 0) / pixels.length);
	return (value) => (value - mean) / deviation;
}

async function learn({ choices, digits, labels }) {
	const known = [...labels].map(Number);
	const pixels = await readDigits(digits, known.length);
	const size = SIDE * SIDE;
	const part = (from, to) => ({
		images: Float32Array.from(pixels.subarray(from * size, to * size), scaleOf),
		labels: known.slice(from, to),
	});
	scaleOf = fitScaling(choices.scaling, pixels.subarray(0, choices.rows * size));
	layers = buildNetwork(choices);
	postMessage({ parameters: countParameters(layers) });
	const data = { train: part(0, Math.min(choices.rows, MAX_TRAIN)), validation: part(MAX_TRAIN, known.length) };
	const started = performance.now();
	let outOfTime = false;
	for (const epoch of train(layers, data, choices)) {
		postMessage(epoch);
		outOfTime = !epoch.stopped && epoch.epoch < choices.epochs && performance.now() - started > 1000 * choices.seconds;
		if (outOfTime) break;
	}
	postMessage({ done: true, outOfTime });
}

// A drawing as MNIST prepares one: its box fitted into a square, its center of mass in the middle.
function prepare(ink, side) {
	const inked = [...ink.keys()].filter((i) => ink[i] > 60);
	if (!inked.length) return null;
	const [rows, columns] = [inked.map((i) => Math.floor(i / side)), inked.map((i) => i % side)];
	const range = (values) => values.reduce(([low, high], one) => [Math.min(low, one), Math.max(high, one)], [side, 0]);
	const [[top, bottom], [left, right]] = [range(rows), range(columns)];
	const scale = INK_SIDE / Math.max(bottom - top + 1, right - left + 1);
	const sums = new Float32Array(SIDE * SIDE);
	const [middleY, middleX] = [rows.reduce((a, b) => a + b) / rows.length, columns.reduce((a, b) => a + b) / columns.length];
	for (const i of inked) {
		const y = Math.round((Math.floor(i / side) - middleY) * scale + (SIDE - 1) / 2);
		const x = Math.round(((i % side) - middleX) * scale + (SIDE - 1) / 2);
		if (y >= 0 && y < SIDE && x >= 0 && x < SIDE) sums[y * SIDE + x] += ink[i] * scale * scale;
	}
	return sums.map((sum) => Math.min(sum, 255));
}

onmessage = ({ data }) => {
	if (data.choices) learn(data);
	if (data.ink && layers) {
		const image = prepare(data.ink, data.side);
		if (image) postMessage({ chances: [...softmax(forward(layers, image.map(scaleOf), 1, false))] });
	}
};
