// The learned kernels of the network's first layer as tiles, one of which is chosen: a group of radio buttons. Gradio runs
// this once, when the component appears, and provides `element`, `props`, `trigger` and `watch`. The value:
// { strip, names, chosen }: all tiles next to each other as an image, their names, the chosen one's number from 1.
const group = element.querySelector(".kernels");
const preferred = navigator.language.split("-")[0];
group.setAttribute("aria-label", group.dataset[preferred] ?? group.dataset.en); // the attributes are data-en, data-es …
const chosen = element.querySelector(".kernels-chosen");

function createTile(name, index, { strip, names }) {
	const tile = document.createElement("label");
	const input = document.createElement("input");
	input.type = "radio";
	input.name = "learned-kernel";
	input.setAttribute("aria-label", name);
	input.addEventListener("change", () => {
		props.value = { ...props.value, chosen: index + 1 };
		update();
		trigger("input");
	});
	const image = document.createElement("i");
	image.style.backgroundImage = `url(${strip})`;
	image.style.backgroundSize = `${100 * names.length}% 100%`;
	image.style.backgroundPosition = `${(100 * index) / Math.max(names.length - 1, 1)}% 0`;
	tile.title = name;
	tile.append(input, image);
	return tile;
}

let shown = ""; // the strip whose tiles are there: they keep the keyboard focus while another one is chosen

function update() {
	const { value } = props;
	if (!value?.strip) return group.replaceChildren();
	if (shown !== value.strip) group.replaceChildren(...value.names.map((name, index) => createTile(name, index, value)));
	shown = value.strip;
	group.querySelectorAll("input").forEach((input, index) => (input.checked = index + 1 === value.chosen));
	chosen.textContent = value.names[value.chosen - 1];
}

watch("value", update);
update();
