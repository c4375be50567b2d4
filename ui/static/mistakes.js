// A confusion that is chosen, or whose cell of the matrix is clicked, shows its mistakes alone; the cell once more, or a
// right answer, all. Gradio runs this when the panel appears, which may be several times: it keeps to what is in the page.
function choose(cell) {
	for (const select of document.querySelectorAll(".mistakes select")) select.value = cell;
	for (const figure of document.querySelectorAll(".mistakes figure")) {
		figure.hidden = cell !== "" && figure.dataset.cell !== cell;
	}
}

function click(label, answer) {
	const cell = `${label}\n${answer}`;
	choose(label === answer || document.querySelector(".mistakes select")?.value === cell ? "" : cell);
}

// The figure comes, and comes anew, whenever its tab is opened.
function listen() {
	const plot = document.querySelector("#tuning-confusion .js-plotly-plot");
	if (!plot?.on || plot.dataset.heard) return;
	plot.dataset.heard = "yes";
	plot.on("plotly_click", ({ points }) => click(points[0].y, points[0].x));
}

element.addEventListener("change", (event) => choose(event.target.value));
new MutationObserver(() => requestAnimationFrame(listen)).observe(document.body, { childList: true, subtree: true });
