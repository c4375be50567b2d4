// The button that opens the lesson. The lesson itself is fetched when it is first opened, also by an address.
const { trazo } = window;
const opener = element.querySelector(".lesson-open");
const load = () => trazo.load("lesson", { element });
opener.textContent = opener.dataset[trazo.language];
if (/^\d{1,2}$/.test(trazo.opened.get("lesson") ?? "")) load();
else opener.addEventListener("click", load, { once: true });
