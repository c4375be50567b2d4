// A kernel as an editable square of numbers. Gradio runs this once, when the component appears, after weights.js, and
// provides `element`, `props`, `trigger` and `watch`. The value is a list of rows.
const grid = element.querySelector(".matrix");
const preferred = navigator.language.split("-")[0];
const language = preferred in grid.dataset ? preferred : "en"; // the attributes are data-en, data-es …
const texts = JSON.parse(grid.dataset[language]);
const refusal = element.querySelector(".matrix-refusal");
const turn = element.querySelector("button");
const decimal = new Intl.NumberFormat(language).formatToParts(0.5).find(({ type }) => type === "decimal").value;

const signOf = (weight) => (weight > 0 ? "plus" : weight < 0 ? "minus" : "zero");
// Three digits are shown, or a fraction; the value keeps all its digits until it is edited.
function format(weight, denominator) {
	const isFraction = denominator && !Number.isInteger(weight);
	const text = isFraction ? `${Math.round(weight * denominator)}/${denominator}` : String(Number(weight.toPrecision(3)));
	return text.replace(".", decimal).replace("-", "−");
}

function setRows(rows) {
	props.value = rows;
	update();
	trigger("input");
}

function createCell(row, column) {
	const input = document.createElement("input");
	input.type = "text";
	input.inputMode = "text"; // a fraction needs a slash
	input.setAttribute("aria-label", texts.weight.replace("{row}", row + 1).replace("{column}", column + 1));
	input.addEventListener("change", () => {
		const weight = parseWeight(input.value);
		if (!Number.isFinite(weight)) {
			input.setAttribute("aria-invalid", "true");
			refusal.textContent = texts.refusal.replace("{text}", () => input.value.trim().slice(0, 20));
			return;
		}
		const rows = props.value.map((weights) => [...weights]);
		rows[row][column] = weight;
		setRows(rows);
	});
	input.setAttribute("aria-describedby", refusal.id);
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
	const denominator = commonDenominator(rows);
	rows.flat().forEach((weight, index) => {
		grid.children[index].value = format(weight, denominator);
		grid.children[index].className = signOf(weight);
		grid.children[index].removeAttribute("aria-invalid");
	});
	refusal.textContent = "";
}

grid.setAttribute("aria-label", texts.group);
turn.textContent = texts.turn;
turn.addEventListener("click", () => {
	const rows = props.value;
	setRows(rows.map((weights, row) => weights.map((_, column) => rows[rows.length - 1 - column][row])));
});
watch("value", update);
update();
