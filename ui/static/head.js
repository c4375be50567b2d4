// Runs before anything else of the page: its language, and its link, the address that opens what is shown.
// LANGUAGES is filled in by the server: { known: ["en", "es"], related: { ca: "es" }, fallback: "en" }.
(() => {
	const { known, related, fallback } = LANGUAGES;
	const KEY = "trazo-language";
	const stored = (action) => {
		try {
			return action(localStorage);
		} catch {
			return null; // a browser may refuse to store anything
		}
	};
	const understood = (name) => {
		const short = String(name ?? "").toLowerCase().split("-")[0];
		return known.includes(short) ? short : Object.hasOwn(related, short) ? related[short] : null;
	};
	const opened = new URLSearchParams(location.search); // what the address asked for, before the page changes it
	const asked = [opened.get("lang"), stored((all) => all.getItem(KEY)), ...navigator.languages];
	const language = asked.map(understood).find(Boolean) ?? fallback;

	// Gradio's translator and the scripts of the panels ask the browser; the server reads it from the request.
	Object.defineProperty(navigator, "language", { get: () => language });
	const send = window.fetch;
	window.fetch = (input, options) => {
		const headers = new Headers(options?.headers ?? (input instanceof Request ? input.headers : undefined));
		headers.set("Accept-Language", language);
		return send(input, { ...options, headers });
	};

	// The page's facts and their listeners: what a lesson checks. A fact is named, and its value is replaced as a whole.
	const listeners = [];
	const RETRY_MS = 3000; // when the server cannot be reached
	window.trazo = {
		language,
		opened,
		pixel: null, // [column, row] to which the lens is to go
		choices: Object.fromEntries(opened), // parameters of the address for panels that take them by themselves
		stored,
		// Change parameters of the address; null removes one.
		setLink(changes) {
			const query = new URLSearchParams(location.search);
			for (const [name, value] of Object.entries(changes)) {
				if (value === null || value === undefined) query.delete(name);
				else query.set(name, value);
			}
			const text = query.toString().replaceAll("%2C", ",").replaceAll("%3B", ";");
			const address = text ? `?${text}` : location.pathname;
			if (`?${text}` !== (location.search || "?")) history.replaceState(null, "", address);
			window.trazo.report("link", Object.fromEntries(query));
		},
		// Forget all but the language.
		clearLink() {
			const lang = new URLSearchParams(location.search).get("lang");
			history.replaceState(null, "", lang ? `?lang=${encodeURIComponent(lang)}` : location.pathname);
		},
		// A parameter that is as at the page's start is left out.
		changed: (name, value, initial) => ({ [name]: value === initial ? null : value }),
		kernelText(name, rows) {
			const isNamed = !["own", "learned"].includes(name);
			return isNamed ? name : rows.map((row) => row.map((weight) => Number(weight.toPrecision(4))).join(",")).join(";");
		},
		report(name, value) {
			for (const listen of listeners) listen(name, value);
		},
		listen(listener) {
			listeners.push(listener);
		},
		// Fetch a panel's script with its texts, and run it; `scope` holds what Gradio provides to the panel. Only the server's
		// own texts come from there; see ui/tabs/panel_scripts.py.
		async load(name, scope) {
			const answer = await window.fetch(`${window.gradio_config.root}/panels/${name}.json`).catch(() => null);
			if (!answer?.ok) return setTimeout(() => window.trazo.load(name, scope), RETRY_MS);
			const { script, ...content } = await answer.json();
			const given = { ...scope, ...content };
			Function(...Object.keys(given), script)(...Object.values(given));
		},
		// The same when the panel is first in the window, or a screen or two below it.
		loadWhenSeen(name, scope) {
			const see = ([{ isIntersecting }], observer) => {
				if (!isIntersecting) return;
				observer.disconnect();
				window.trazo.load(name, scope);
			};
			new IntersectionObserver(see, { rootMargin: "2000px" }).observe(scope.element);
		},
		chooseLanguage(name) {
			stored((all) => all.setItem(KEY, name));
			const query = new URLSearchParams(location.search);
			query.set("lang", name);
			location.search = query;
		},
	};
})();
