// What the lens computes on: the image that the page shows, or the example of 7 × 7 pixels. Runs after lens.js.
const sources = [...root.querySelectorAll(".lens-source input")];
let loaded = 0; // only the last of several images that load at the same time is shown

const isExample = () => sources.find((one) => one.checked).value === "example";

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

// Gradio gives its images no text.
function describeImages({ photo, alt }) {
	const [before, after] = document.querySelectorAll("#edges-result img");
	if (before) before.alt = `${texts.input}: ${photo}`;
	if (after) after.alt = alt;
	for (const image of document.querySelectorAll("#edges-original img")) image.alt = photo;
}

// Show the chosen source; `before` is said before the pixel, and null if nothing is to be said.
function setScene(before) {
	const source = isExample() ? EXAMPLE : photo;
	const { kernel, padding, stride, alt } = props.value;
	const [down, across] = [source.height, source.width].map((size) => layOut(size, kernel.length, padding, stride));
	if (isExample() && !(down.count && across.count)) {
		sources[0].checked = true; // the kernel does not fit into the example
		return setScene(before);
	}
	scene = { ...props.value, ...source, down, across, denominator: commonDenominator(kernel), isExample: isExample() };
	scene.sums = computeSums(scene);
	scene.measured = measureResult(scene);
	root.hidden = false;
	drawScene();
	describeSize();
	const zeros = isExample() && down.before + down.after + across.before + across.after ? `; ${texts.zeros}` : "";
	const hatched = padding === "valid" && kernel.length > 1 ? ` ${texts.hatched}` : "";
	input.caption.textContent = isExample() ? texts.example + zeros : texts.input;
	output.caption.textContent = (isExample() ? `${texts.output}.` : alt) + hatched;
	input.canvas.setAttribute("aria-label", input.caption.textContent);
	output.canvas.setAttribute("aria-label", isExample() ? texts.output : `${texts.output}: ${alt}`);
	const [y, x] = centers[isExample() ? "example" : "image"];
	moveTo(Math.round((y - down.first) / stride), Math.round((x - across.first) / stride), before);
}

async function update() {
	const { value } = props;
	const request = ++loaded;
	if (!value?.kernel) {
		scene = null;
		root.hidden = true;
		return;
	}
	const image = await shownImage(value.original);
	if (request !== loaded) return;
	const isFirst = !photo;
	photo = grayLevels(image);
	describeImages(value);
	if (isFirst) centers.image = [value.row, value.column];
	goToPixel();
	setScene(isFirst ? null : value.alt);
}

for (const one of sources) {
	one.nextElementSibling.textContent = texts[`source_${one.value}`];
	one.addEventListener("change", () => {
		stop();
		if (scene) setScene("");
	});
}
root.querySelector("legend").textContent = texts.source;
stop();
watch("value", update);
update();
