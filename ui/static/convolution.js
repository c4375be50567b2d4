// The arithmetic of the lens, as ui/edges/convolution.py does it, and its example of 7 × 7 pixels.

// A seven, small enough to follow every sum.
const EXAMPLE = {
	width: 7,
	height: 7,
	gray: Uint8Array.from(
		[
			[0, 0, 0, 0, 0, 0, 0],
			[0, 200, 200, 200, 200, 200, 0],
			[0, 0, 0, 0, 0, 200, 0],
			[0, 0, 0, 0, 200, 0, 0],
			[0, 0, 0, 120, 100, 0, 0],
			[0, 0, 0, 200, 0, 0, 0],
			[0, 0, 0, 200, 0, 0, 0],
		].flat(),
	),
};

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

// Where the kernel's center is for the first sum along one axis, how many sums there are, and the rows of zeros
// before and after the image that this needs.
function layOut(size, side, padding, stride) {
	const half = side >> 1;
	if (padding === "valid") {
		return { first: half, count: Math.max(0, Math.floor((size - side) / stride) + 1), before: 0, after: 0 };
	}
	const count = Math.ceil(size / stride);
	const zeros = Math.max((count - 1) * stride + side - size, 0);
	return { first: half - (zeros >> 1), count, before: zeros >> 1, after: zeros - (zeros >> 1) };
}

// The size formula with the actual numbers.
function sizeFormula(size, { count, before, after }, side, stride) {
	return `⌊(${size} + ${before + after} − ${side}) / ${stride}⌋ + 1 = ${count}`;
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

function computeSums(scene) {
	const { down, across, stride } = scene;
	const sums = new Float32Array(down.count * across.count);
	for (let i = 0; i < down.count; i++) {
		for (let j = 0; j < across.count; j++) {
			sums[i * across.count + j] = sumAt(scene, down.first + i * stride, across.first + j * stride);
		}
	}
	return sums;
}

// The gray levels under the kernel, null outside the image.
function patchAt({ gray, width, height, kernel }, y, x) {
	const half = kernel.length >> 1;
	return kernel.map((weights, i) =>
		weights.map((_, j) => {
			const [line, place] = [y + i - half, x + j - half];
			return line >= 0 && line < height && place >= 0 && place < width ? gray[line * width + place] : null;
		}),
	);
}

// What is shown of a sum: red, green, blue.
function colorOf(sum, { sign, threshold, gain }) {
	const size = sign === "clipped" ? sum : Math.abs(sum);
	const share = threshold === null ? Math.min(Math.max((gain * size) / 255, 0), 1) : Number(size > threshold);
	if (sign !== "signed") return [1, 1, 1].map((one) => Math.round(255 * share * one));
	return (sum < 0 ? [255, 150, 50] : [64, 132, 255]).map((one) => Math.round(one * share));
}
