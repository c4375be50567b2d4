// A kernel as a square of numbers that can be edited. Gradio runs this once, when the component appears, and provides
// `element`, `props`, `trigger` and `watch`. The value is a list of rows.
const grid = element.querySelector(".matrix");
const browser = navigator.language.split("-")[0];
const language = browser in grid.dataset ? browser : "en";
const decimal = new Intl.NumberFormat(language).formatToParts(0.5).find(({ type }) => type === "decimal").value;

const sign = (weight) => (weight > 0 ? "plus" : weight < 0 ? "minus" : "zero");
// What is shown is short; what was not touched keeps all its digits.
const short = (weight) => String(Number(weight.toPrecision(3))).replace(".", decimal);

function cell(row, column) {
	const input = document.createElement("input");
	input.type = "text";
	input.inputMode = "decimal";
	input.setAttribute("aria-label", `${grid.dataset[language]} ${row + 1}, ${column + 1}`);
	input.addEventListener("change", () => {
		const weight = Number(input.value.trim().replace(decimal, ".").replace(",", ".").replace("−", "-"));
		const rows = props.value.map((weights) => [...weights]);
		if (input.value.trim() && Number.isFinite(weight)) rows[row][column] = weight;
		props.value = rows;
		fill();
		trigger("input");
	});
	input.addEventListener("focus", () => input.select());
	return input;
}

// The cells stay the same ones where there are as many: whoever goes through them with the keyboard keeps the place.
function fill() {
	const rows = props.value ?? [];
	if (grid.children.length !== rows.length ** 2) {
		grid.replaceChildren(...rows.flatMap((weights, row) => weights.map((_, column) => cell(row, column))));
		grid.style.setProperty("--side", rows.length);
	}
	rows.flat().forEach((weight, place) => {
		grid.children[place].value = short(weight).replace("-", "−");
		grid.children[place].className = sign(weight);
	});
}

watch("value", fill);
fill();
