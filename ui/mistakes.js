// A click on a cell of the confusion matrix shows its mistakes alone; on the same one again, or on a right answer, all.
// Gradio runs this when the panel appears, which may be several times: it keeps to what is in the page.
let chosen = "";

function choose(label, answer) {
	const cell = `${label}\n${answer}`;
	chosen = label === answer || cell === chosen ? "" : cell;
	for (const figure of document.querySelectorAll(".mistakes figure")) {
		figure.hidden = chosen !== "" && `${figure.dataset.label}\n${figure.dataset.answer}` !== chosen;
	}
}

// The figure comes, and comes anew, whenever its tab is opened.
function listen() {
	const plot = document.querySelector("#tuning-confusion .js-plotly-plot");
	if (!plot?.on || plot.dataset.heard) return;
	plot.dataset.heard = "yes";
	plot.on("plotly_click", ({ points }) => choose(points[0].y, points[0].x));
}

new MutationObserver(() => requestAnimationFrame(listen)).observe(document.body, { childList: true, subtree: true });
