// One trial, or value of a study, is selected on the whole tab: by a click on its point in any figure, or on its row.
// Gradio runs this once, when the component appears, and provides `element`, `props`, `trigger` and `watch`.
// The value is { key, text }: the key is that of the points' `customdata`, the text is what the line says about it.
const KEY = /^(trial|study):/; // other figures have other data
const line = element.querySelector(".selected-run");

function select(key) {
	props.value = { key };
	trigger("input"); // the answer has the text
}

// Plotly binds the data of a point to its element: `data` is its entry in `customdata`.
function markPoints() {
	const key = props.value?.key;
	for (const point of document.querySelectorAll(".js-plotly-plot .points path")) {
		point.classList.toggle("chosen", key !== undefined && point.__data__?.data === key);
	}
	const order = key?.startsWith("trial:") ? key.slice("trial:".length) : undefined;
	for (const row of document.querySelectorAll("#tuning-trials .virtual-row")) {
		row.classList.toggle("chosen", order !== undefined && row.querySelector("[aria-colindex='1']")?.textContent.trim() === order);
	}
}

// Gradio creates a figure again each time its tab is opened, and the table its rows while one scrolls.
function listen() {
	if (!line.checkVisibility()) return;
	for (const plot of document.querySelectorAll(".js-plotly-plot")) {
		if (!plot.on || plot.dataset.selects) continue;
		plot.dataset.selects = "yes";
		plot.on("plotly_afterplot", markPoints);
		plot.on("plotly_click", ({ points }) => {
			const key = points.map((point) => point.customdata).find((data) => typeof data === "string" && KEY.test(data));
			if (key) select(key);
		});
	}
	markPoints();
}

watch("value", () => {
	line.textContent = props.value?.text ?? "";
	markPoints();
});
let scheduled = false;
new MutationObserver(() => {
	if (scheduled) return;
	scheduled = true;
	requestAnimationFrame(() => {
		scheduled = false;
		listen();
	});
}).observe(document.querySelector(".gradio-container") ?? document.body, { childList: true, subtree: true });
