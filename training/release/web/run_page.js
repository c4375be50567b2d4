// Runs the network of a page in Node.js: `node run_page.js index.html < pixels > outputs`. The pixels are bytes, image by
// image; the outputs float32, and after them the median of the milliseconds that an answer took.
const { readFileSync, writeFileSync } = require("node:fs");

const html = readFileSync(process.argv[2], "utf8");
const [, data] = html.match(/<script type="application\/json" id="model">(.*?)<\/script>/s);
const [, script] = html.match(/<script>(.*?)<\/script>/s);
const networkOf = new Function(`${script.split("// --- The page ---")[0]}; return networkOf;`)();
const model = JSON.parse(data);
const { height, width, channels } = model.shape;
const size = height * width * channels;

networkOf(model).then((network) => {
	const pixels = readFileSync(0);
	const outputs = [];
	const times = [];
	for (let start = 0; start < pixels.length; start += size) {
		const started = performance.now();
		outputs.push(...network(pixels.subarray(start, start + size)));
		times.push(performance.now() - started);
	}
	times.sort((a, b) => a - b);
	writeFileSync(1, Buffer.from(Float32Array.of(...outputs, times[times.length >> 1]).buffer));
});
