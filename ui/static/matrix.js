// A kernel as an editable square of numbers. Gradio runs this once, when the component appears, and provides `element`,
// `props`, `trigger` and `watch`. The value is a list of rows.
const grid = element.querySelector(".matrix");
const preferred = navigator.language.split("-")[0];
const language = preferred in grid.dataset ? preferred : "en"; // the attributes are data-en, data-es …
const decimal = new Intl.NumberFormat(language).formatToParts(0.5).find(({ type }) => type === "decimal").value;

const signOf = (weight) => (weight > 0 ? "plus" : weight < 0 ? "minus" : "zero");
// Three digits are shown; the value keeps all its digits until it is edited.
const format = (weight) => String(Number(weight.toPrecision(3))).replace(".", decimal).replace("-", "−");
const parse = (text) => Number(text.trim().replace(decimal, ".").replace(",", ".").replace("−", "-"));

function createCell(row, column) {
	const input = document.createElement("input");
	input.type = "text";
	input.inputMode = "decimal";
	input.setAttribute("aria-label", `${grid.dataset[language]} ${row + 1}, ${column + 1}`);
	input.addEventListener("change", () => {
		const weight = parse(input.value);
		const rows = props.value.map((weights) => [...weights]);
		if (input.value.trim() && Number.isFinite(weight)) rows[row][column] = weight;
		props.value = rows;
		update();
		trigger("input");
	});
	input.addEventListener("focus", () => input.select());
	return input;
}

// Cells are reused if their number stays the same, so that the keyboard focus keeps its place.
function update() {
	const rows = props.value ?? [];
	if (grid.children.length !== rows.length ** 2) {
		grid.replaceChildren(...rows.flatMap((weights, row) => weights.map((_, column) => createCell(row, column))));
		grid.style.setProperty("--side", rows.length);
	}
	rows.flat().forEach((weight, index) => {
		grid.children[index].value = format(weight);
		grid.children[index].className = signOf(weight);
	});
}

watch("value", update);
update();
