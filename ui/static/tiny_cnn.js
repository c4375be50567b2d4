// A small convolutional network that learns in the browser, written out: no library, so that every step can be read.
// It runs in a Web Worker. Arrays are Float32Array in the order image, channel, row, column.
const SIDE = 14; // of an image, in pixels
const CLASSES = 10;

// Reproducible random numbers: mulberry32 by Tommy Ettinger (public domain), and Box and Muller 1958 for normal ones.
function makeRandom(seed) {
	let state = seed >>> 0;
	const uniform = () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), state | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
	const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
	return { uniform, normal };
}

function makeWeights(size, scale, random) {
	const value = new Float32Array(size);
	if (scale) for (let i = 0; i < size; i++) value[i] = scale * random.normal();
	return { value, gradient: new Float32Array(size), first: new Float32Array(size), second: new Float32Array(size) };
}

// --- Layers: forward(x, count, training) returns the output, backward(gradient) that of the input. ---

// A 3 × 3 convolution with zeros around the image, as Keras does it: the kernel is not turned. Each pixel's neighbors are
// first copied into one row of `patches`; the convolution is then a product of two matrices.
function convolution(channels, filters, side, scale, random) {
	const width = channels * 9; // of a patch
	const kernel = makeWeights(filters * width, scale(width, filters * 9), random);
	const bias = makeWeights(filters, 0, random);
	const area = side * side;
	const isFirst = channels === 1; // nothing learns before it, so nobody asks for its input's gradient
	// Place in the input relative to the pixel's image -> place in its patch; -1 for the zeros around it.
	const sources = new Int32Array(area * width).fill(-1);
	for (let pixel = 0; pixel < area; pixel++)
		for (let c = 0; c < channels; c++)
			for (let k = 0; k < 9; k++) {
				const [y, x] = [Math.floor(pixel / side) + Math.floor(k / 3) - 1, (pixel % side) + (k % 3) - 1];
				if (y >= 0 && y < side && x >= 0 && x < side) sources[pixel * width + c * 9 + k] = c * area + y * side + x;
			}
	let patches;
	let images;
	return {
		name: "conv",
		weights: [kernel, bias],
		forward(x, count) {
			images = count;
			patches = new Float32Array(count * area * width);
			const y = new Float32Array(count * filters * area);
			for (let n = 0; n < count; n++) {
				const start = n * area * width;
				const image = n * channels * area;
				for (let i = 0; i < sources.length; i++) if (sources[i] >= 0) patches[start + i] = x[image + sources[i]];
				for (let pixel = 0; pixel < area; pixel++)
					for (let f = 0; f < filters; f++) {
						let sum = bias.value[f];
						const [from, row] = [start + pixel * width, f * width];
						for (let k = 0; k < width; k++) sum += kernel.value[row + k] * patches[from + k];
						y[(n * filters + f) * area + pixel] = sum;
					}
			}
			return y;
		},
		backward(gradient) {
			const back = new Float32Array(isFirst ? 0 : images * channels * area);
			const patch = new Float32Array(area * width);
			for (let n = 0; n < images; n++) {
				patch.fill(0);
				for (let pixel = 0; pixel < area; pixel++)
					for (let f = 0; f < filters; f++) {
						const one = gradient[(n * filters + f) * area + pixel];
						if (one === 0) continue;
						bias.gradient[f] += one;
						const [from, to, row] = [(n * area + pixel) * width, pixel * width, f * width];
						for (let k = 0; k < width; k++) {
							kernel.gradient[row + k] += one * patches[from + k];
							patch[to + k] += one * kernel.value[row + k];
						}
					}
				if (isFirst) continue;
				const image = n * channels * area;
				for (let i = 0; i < sources.length; i++) if (sources[i] >= 0) back[image + sources[i]] += patch[i];
			}
			return back;
		},
	};
}

function maxPooling(channels, side) {
	const half = side >> 1;
	let winners;
	let size;
	return {
		name: "pool",
		weights: [],
		forward(x, count) {
			size = x.length;
			const y = new Float32Array(count * channels * half * half);
			winners = new Int32Array(y.length);
			for (let map = 0; map < count * channels; map++)
				for (let i = 0; i < half; i++)
					for (let j = 0; j < half; j++) {
						const corner = map * side * side + 2 * i * side + 2 * j;
						let best = corner;
						for (const place of [corner + 1, corner + side, corner + side + 1]) if (x[place] > x[best]) best = place;
						const target = (map * half + i) * half + j;
						y[target] = x[best];
						winners[target] = best;
					}
			return y;
		},
		backward(gradient) {
			const back = new Float32Array(size);
			for (let i = 0; i < gradient.length; i++) back[winners[i]] += gradient[i];
			return back;
		},
	};
}

function dense(inputs, units, scale, random) {
	const kernel = makeWeights(inputs * units, scale(inputs, units), random);
	const bias = makeWeights(units, 0, random);
	let input;
	return {
		name: "dense",
		outputs: units,
		weights: [kernel, bias],
		forward(x, count) {
			input = x;
			const y = new Float32Array(count * units);
			for (let n = 0; n < count; n++)
				for (let u = 0; u < units; u++) {
					let sum = bias.value[u];
					for (let i = 0; i < inputs; i++) sum += kernel.value[u * inputs + i] * x[n * inputs + i];
					y[n * units + u] = sum;
				}
			return y;
		},
		backward(gradient) {
			const back = new Float32Array(input.length);
			for (let n = 0; n < gradient.length / units; n++)
				for (let u = 0; u < units; u++) {
					const one = gradient[n * units + u];
					bias.gradient[u] += one;
					for (let i = 0; i < inputs; i++) {
						kernel.gradient[u * inputs + i] += one * input[n * inputs + i];
						back[n * inputs + i] += one * kernel.value[u * inputs + i];
					}
				}
			return back;
		},
	};
}

const ACTIVATIONS = {
	relu: { of: (x) => Math.max(0, x), slope: (y) => (y > 0 ? 1 : 0) },
	sigmoid: { of: (x) => 1 / (1 + Math.exp(-x)), slope: (y) => y * (1 - y) },
	tanh: { of: Math.tanh, slope: (y) => 1 - y * y },
};

function activation(name) {
	const { of, slope } = ACTIVATIONS[name];
	let output;
	return {
		name,
		weights: [],
		forward(x) {
			output = x.map(of);
			return output;
		},
		backward: (gradient) => gradient.map((one, i) => one * slope(output[i])),
	};
}

// What is left is scaled up, so that sums stay as large as without dropout (Srivastava et al. 2014).
function dropout(rate, random) {
	let mask;
	return {
		name: "dropout",
		weights: [],
		forward(x, _, training) {
			if (!training) return x;
			mask = x.map(() => (random.uniform() < rate ? 0 : 1 / (1 - rate)));
			return x.map((value, i) => value * mask[i]);
		},
		backward: (gradient) => gradient.map((one, i) => one * mask[i]),
	};
}

// --- The network ---

// choices: { blocks, convolutions, filters, activation, dropout, seed }
function buildNetwork(choices) {
	const random = makeRandom(choices.seed);
	// He et al. 2015 for ReLU, Glorot and Bengio 2010 for sigmoid and tanh.
	const scale = (inputs, outputs) => Math.sqrt(choices.activation === "relu" ? 2 / inputs : 2 / (inputs + outputs));
	const layers = [];
	let [channels, side] = [1, SIDE];
	for (let block = 0; block < choices.blocks; block++) {
		const filters = choices.filters * 2 ** block;
		for (let i = 0; i < choices.convolutions; i++) {
			layers.push(convolution(channels, filters, side, scale, random), activation(choices.activation));
			channels = filters;
		}
		layers.push(maxPooling(channels, side));
		side >>= 1;
	}
	if (choices.dropout) layers.push(dropout(choices.dropout, random));
	layers.push(dense(channels * side * side, CLASSES, scale, random));
	return layers;
}

const forward = (layers, x, count, training) => layers.reduce((y, layer) => layer.forward(y, count, training), x);

function softmax(scores) {
	const chances = new Float32Array(scores.length);
	for (let start = 0; start < scores.length; start += CLASSES) {
		const row = scores.subarray(start, start + CLASSES);
		const largest = Math.max(...row); // subtracted: exp would overflow
		const powers = row.map((score) => Math.exp(score - largest));
		const sum = powers.reduce((a, b) => a + b);
		chances.set(powers.map((power) => power / sum), start);
	}
	return chances;
}

// The mean cross-entropy and the share of right answers.
function measure(chances, labels) {
	let [loss, right] = [0, 0];
	labels.forEach((label, n) => {
		const row = chances.subarray(n * CLASSES, (n + 1) * CLASSES);
		loss -= Math.log(Math.max(row[label], 1e-12));
		right += Number(row.indexOf(Math.max(...row)) === label);
	});
	return { loss: loss / labels.length, accuracy: right / labels.length };
}

// One step on a batch; returns its loss and accuracy before the step.
function trainStep(layers, x, labels, choices, step) {
	const chances = softmax(forward(layers, x, labels.length, true));
	let gradient = chances.map((chance, i) => (chance - (labels[Math.floor(i / CLASSES)] === i % CLASSES)) / labels.length);
	for (const layer of [...layers].reverse()) gradient = layer.backward(gradient);
	for (const layer of layers) layer.weights.forEach((weights, i) => update(weights, i === 0 ? choices.l2 : 0, choices, step));
	return measure(chances, labels);
}

function update({ value, gradient, first, second }, l2, { optimizer, rate }, step) {
	for (let i = 0; i < value.length; i++) {
		const slope = gradient[i] + 2 * l2 * value[i];
		gradient[i] = 0;
		if (optimizer === "sgd") {
			value[i] -= rate * slope;
		} else if (optimizer === "momentum") {
			first[i] = 0.9 * first[i] - rate * slope;
			value[i] += first[i];
		} else {
			// Adam: Kingma and Ba 2015.
			first[i] = 0.9 * first[i] + 0.1 * slope;
			second[i] = 0.999 * second[i] + 0.001 * slope * slope;
			const mean = first[i] / (1 - 0.9 ** step);
			value[i] -= (rate * mean) / (Math.sqrt(second[i] / (1 - 0.999 ** step)) + 1e-7);
		}
	}
}

// The mean size of each layer's last gradient would be gone after the update: it is measured on one batch, unchanged.
function gradientSizes(layers, x, labels) {
	const chances = softmax(forward(layers, x, labels.length, false));
	let gradient = chances.map((chance, i) => (chance - (labels[Math.floor(i / CLASSES)] === i % CLASSES)) / labels.length);
	for (const layer of [...layers].reverse()) if (layer.name !== "dropout") gradient = layer.backward(gradient);
	return layers
		.filter(({ weights }) => weights.length)
		.map(({ weights }) => {
			const size = Math.sqrt(weights[0].gradient.reduce((sum, one) => sum + one * one, 0));
			for (const one of weights) one.gradient.fill(0);
			return size;
		});
}

const snapshot = (layers) => layers.flatMap(({ weights }) => weights.map(({ value }) => value.slice()));
const restore = (layers, values) => layers.flatMap(({ weights }) => weights).forEach(({ value }, i) => value.set(values[i]));
const countParameters = (layers) => layers.flatMap(({ weights }) => weights).reduce((sum, { value }) => sum + value.length, 0);

// data: { train: { images, labels }, validation: { images, labels } }, images already scaled.
// Yields after each epoch; the network ends with the weights of the best one.
function* train(layers, data, choices) {
	const random = makeRandom(choices.seed + 1);
	const size = SIDE * SIDE;
	const { images, labels } = data.train;
	const order = [...labels.keys()];
	let [step, best, kept, waited] = [0, Infinity, snapshot(layers), 0];
	for (let epoch = 1; epoch <= choices.epochs; epoch++) {
		for (let i = order.length - 1; i > 0; i--) {
			const j = Math.floor(random.uniform() * (i + 1));
			[order[i], order[j]] = [order[j], order[i]];
		}
		let [loss, accuracy] = [0, 0];
		for (let start = 0; start < order.length; start += choices.batch) {
			const rows = order.slice(start, start + choices.batch);
			const x = new Float32Array(rows.length * size);
			rows.forEach((row, n) => x.set(images.subarray(row * size, (row + 1) * size), n * size));
			const found = trainStep(layers, x, rows.map((row) => labels[row]), choices, ++step);
			loss += (found.loss * rows.length) / order.length;
			accuracy += (found.accuracy * rows.length) / order.length;
		}
		const validation = data.validation;
		const measured = measure(softmax(forward(layers, validation.images, validation.labels.length, false)), validation.labels);
		const probe = Math.min(32, labels.length);
		if (measured.loss < best) [best, kept, waited] = [measured.loss, snapshot(layers), 0];
		else waited++;
		const stopped = Boolean(choices.patience) && waited >= choices.patience;
		yield {
			epoch,
			loss,
			accuracy,
			validationLoss: measured.loss,
			validationAccuracy: measured.accuracy,
			kernels: layers[0].weights[0].value.slice(),
			gradients: gradientSizes(layers, images.subarray(0, probe * size), labels.slice(0, probe)),
			stopped,
			bestEpoch: epoch - waited,
		};
		if (stopped || !Number.isFinite(loss)) break;
	}
	if (choices.patience) restore(layers, kept);
}
