// The network: a list of layers, made from the Keras network by `training.release.html_page`, and their weights.
// A map is { height, width, channels, values }, its values a Float32Array in the order row, column, channel.
const TILE_ROWS = 4; // what the product of matrices in multiply.wat computes at once
const TILE_FILTERS = 8;
const PAGE_BYTES = 65536; // of WebAssembly's memory

const logistic = (x) => 1 / (1 + Math.exp(-x));
// Abramowitz and Stegun 1964, 7.1.26: at most 1.5e-7 away.
function errorFunction(x) {
	const t = 1 / (1 + 0.3275911 * Math.abs(x));
	const sum = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
	return Math.sign(x) * (1 - sum * Math.exp(-x * x));
}
const ACTIVATIONS = {
	leaky_relu: (x) => (x > 0 ? x : 0.1 * x),
	sigmoid: logistic,
	tanh: Math.tanh,
	silu: (x) => x * logistic(x),
	elu: (x) => (x > 0 ? x : Math.expm1(x)),
	gelu: (x) => 0.5 * x * (1 + errorFunction(x * Math.SQRT1_2)),
	softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
};

const roundUp = (number, step) => Math.ceil(number / step) * step;

// layers: each with `kind`, `input` (the number of the layer before it; 0 is the image) and what its kind needs.
// Returns a function: pixels from 0 to 255, row by row -> Float32Array, the network's output.
async function loadNetwork({ shape, layers }, weights, multiplier) {
	const memory = new WebAssembly.Memory({ initial: 1 });
	const { instance } = await WebAssembly.instantiate(multiplier, { page: { memory } });
	const { multiply } = instance.exports;
	let used = 0; // numbers in the memory that hold kernels
	let heap = new Float32Array(memory.buffer);
	let read = 0;
	const take = (count) => weights.subarray(read, (read += count));

	function reserve(count) {
		const missing = 4 * count - memory.buffer.byteLength;
		if (missing > 0) {
			memory.grow(Math.ceil(missing / PAGE_BYTES));
			heap = new Float32Array(memory.buffer);
		}
	}

	// Kernels are stored in strips of eight filters, in which the product reads them one after the other.
	function storeKernel(kernel, bias, depth, filters) {
		const padded = roundUp(filters, TILE_FILTERS);
		const place = { kernel: used, bias: used + depth * padded, padded };
		used = place.bias + padded;
		reserve(used);
		for (let k = 0; k < depth; k++)
			for (let filter = 0; filter < filters; filter++) {
				const strip = filter - (filter % TILE_FILTERS);
				heap[place.kernel + strip * depth + k * TILE_FILTERS + (filter % TILE_FILTERS)] = kernel[k * filters + filter];
			}
		heap.set(bias, place.bias);
		return place;
	}

	// As Keras does with padding "same": zeros around the map, the odd one at the end; the kernel is not turned.
	function convolution({ side, stride, filters }, { height, width, channels }) {
		const depth = side * side * channels;
		const place = storeKernel(take(depth * filters), take(filters), depth, filters);
		const [rows, columns] = [Math.ceil(height / stride), Math.ceil(width / stride)];
		const before = (size, count) => Math.max((count - 1) * stride + side - size, 0) >> 1;
		const [top, left] = [before(height, rows), before(width, columns)];
		const [wide, high] = [(columns - 1) * stride + side, (rows - 1) * stride + side]; // with the zeros around it
		const count = roundUp(rows * columns, TILE_ROWS);
		const run = ({ values }) => {
			const surrounded = used;
			const patches = surrounded + wide * high * channels;
			const sums = roundUp(patches + count * depth, 4);
			reserve(sums + count * place.padded);
			heap.fill(0, surrounded, patches);
			const length = Math.min(width, wide - left) * channels;
			for (let y = 0; y < Math.min(height, high - top); y++)
				heap.set(values.subarray(y * width * channels, y * width * channels + length), surrounded + ((y + top) * wide + left) * channels);
			let to = patches;
			for (let y = 0; y < rows; y++)
				for (let x = 0; x < columns; x++)
					for (let line = 0; line < side; line++, to += side * channels) {
						const from = surrounded + ((y * stride + line) * wide + x * stride) * channels;
						heap.copyWithin(to, from, from + side * channels);
					}
			multiply(4 * patches, 4 * place.kernel, 4 * place.bias, 4 * sums, count, depth, place.padded);
			if (place.padded === filters) return heap.slice(sums, sums + rows * columns * filters);
			const made = new Float32Array(rows * columns * filters);
			for (let pixel = 0; pixel < rows * columns; pixel++) {
				const from = sums + pixel * place.padded;
				made.set(heap.subarray(from, from + filters), pixel * filters);
			}
			return made;
		};
		return { height: rows, width: columns, channels: filters, run };
	}

	const KINDS = {
		convolution,
		// Scaling, temperature, and a batch normalization that does not follow a convolution.
		scale(_, { channels }) {
			const [factor, offset] = [take(channels), take(channels)];
			return { run: ({ values }) => values.map((x, i) => x * factor[i % channels] + offset[i % channels]) };
		},
		activate: ({ name }) => ({ run: ({ values }) => ({ relu, softmax })[name]?.(values) ?? values.map(ACTIVATIONS[name]) }),
		prelu(_, { channels }) {
			const slope = take(channels);
			return { run: ({ values }) => values.map((x, i) => (x > 0 ? x : slope[i % channels] * x)) };
		},
		normalize({ epsilon }, { channels }) {
			const [gamma, beta] = [take(channels), take(channels)];
			return { run: ({ values }) => normalizePixels(values, channels, epsilon, gamma, beta) };
		},
		pool({ average }, { height, width, channels }) {
			const [rows, columns] = [height >> 1, width >> 1];
			const run = ({ values }) => pool(values, rows, columns, width, channels, average);
			return { height: rows, width: columns, run };
		},
		mean(_, { height, width, channels }) {
			const run = ({ values }) => {
				const sums = new Float64Array(channels);
				for (let i = 0; i < values.length; i++) sums[i % channels] += values[i];
				return Float32Array.from(sums, (sum) => sum / (height * width));
			};
			return { height: 1, width: 1, run };
		},
		flatten: (_, { height, width, channels }) => ({ height: 1, width: 1, channels: height * width * channels, run: ({ values }) => values }),
		add: () => ({ run: ({ values }, other) => values.map((x, i) => x + other.values[i]) }),
	};

	const shapes = [shape];
	const runs = layers.map((layer) => {
		const from = shapes[layer.input];
		const { run, ...changed } = KINDS[layer.kind](layer, from);
		shapes.push({ ...from, ...changed });
		return run;
	});
	return (pixels) => {
		const maps = [Float32Array.from(pixels)];
		layers.forEach(({ input, other }, i) => maps.push(runs[i]({ values: maps[input] }, other && { values: maps[other] })));
		return maps.at(-1);
	};
}

function pool(values, rows, columns, width, channels, average) {
	const made = new Float32Array(rows * columns * channels);
	const line = width * channels;
	let to = 0;
	for (let y = 0; y < rows; y++)
		for (let x = 0; x < columns; x++)
			for (let from = 2 * (y * line + x * channels), end = from + channels; from < end; from++) {
				const below = from + line;
				made[to++] = average
					? (values[from] + values[from + channels] + values[below] + values[below + channels]) / 4
					: Math.max(Math.max(values[from], values[from + channels]), Math.max(values[below], values[below + channels]));
			}
	return made;
}

function normalizePixels(values, channels, epsilon, gamma, beta) {
	const made = new Float32Array(values.length);
	for (let start = 0; start < values.length; start += channels) {
		let [sum, squares] = [0, 0];
		for (let i = 0; i < channels; i++) sum += values[start + i];
		const mean = sum / channels;
		for (let i = 0; i < channels; i++) squares += (values[start + i] - mean) ** 2;
		const factor = 1 / Math.sqrt(squares / channels + epsilon);
		for (let i = 0; i < channels; i++) made[start + i] = (values[start + i] - mean) * factor * gamma[i] + beta[i];
	}
	return made;
}

// Not by `map`, which takes several times as long: this is what most networks have after each convolution.
function relu(values) {
	const made = values.slice();
	for (let i = 0; i < made.length; i++) if (made[i] < 0) made[i] = 0;
	return made;
}

function softmax(values) {
	const largest = Math.max(...values); // subtracted: exp would overflow
	const powers = Array.from(values, (score) => Math.exp(score - largest));
	const sum = powers.reduce((a, b) => a + b);
	return Float32Array.from(powers, (power) => power / sum);
}

function decodeBase64(text) {
	return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

// What the page holds: the layers as JSON; weights and the product of matrices as base64.
function networkOf(data) {
	return loadNetwork(data, new Float32Array(decodeBase64(data.weights).buffer), decodeBase64(data.multiply));
}
