// Gradio gives some controls no name, or an English one. They come and go with their tabs, so it looks again whenever
// the page changes, once a frame at most.
() => {
	const words = WORDS[navigator.language.startsWith("es") ? "es" : "en"];
	let due = false;
	const name = () => {
		due = false;
		document.querySelectorAll("#edges-photos button").forEach((photo, number) => {
			photo.setAttribute("aria-label", words.photos[number]);
		});
		for (const search of document.querySelectorAll("#tuning-trials .search-input")) {
			search.setAttribute("aria-label", words.search);
			search.placeholder = search.title = words.search;
		}
	};
	const look = () => {
		if (!due) requestAnimationFrame(name);
		due = true;
	};
	new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
	look();
}
