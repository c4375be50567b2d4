// Shows only the mistakes of one confusion: chosen from the list, or by a click on its cell of the confusion matrix. A
// second click, or one on a right answer, shows all. Gradio may run this several times, so it keeps no state.
function select(cell) {
	for (const list of document.querySelectorAll(".mistakes select")) list.value = cell;
	for (const figure of document.querySelectorAll(".mistakes figure")) {
		figure.hidden = cell !== "" && figure.dataset.cell !== cell;
	}
}

function clickCell(label, answer) {
	const cell = `${label}\n${answer}`;
	select(label === answer || document.querySelector(".mistakes select")?.value === cell ? "" : cell);
}

// Gradio creates the figure again each time its tab is opened.
function listen() {
	const plot = document.querySelector("#tuning-confusion .js-plotly-plot");
	if (!plot?.on || plot.dataset.listening) return;
	plot.dataset.listening = "yes";
	plot.on("plotly_click", ({ points }) => clickCell(points[0].y, points[0].x));
}

element.addEventListener("change", (event) => select(event.target.value));
new MutationObserver(() => requestAnimationFrame(listen)).observe(document.body, { childList: true, subtree: true });
