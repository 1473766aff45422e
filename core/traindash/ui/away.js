// Says in our own words that the server is away, and that the page comes back by itself, which Streamlit's client does.
// Told by the connection itself: it is the only thing that knows at once.
(() => {
  const STREAM = "/_stcore/stream", WAIT_MS = 1500;
  const css = `
    #td-away { position: fixed; inset: 0; z-index: 2000000; display: none; place-items: center; background: rgb(14 17 23 / 55%); }
    html.td-away #td-away { display: grid; }
    html.td-away [data-testid="stDialog"], html.td-away [data-testid="stConnectionStatus"] { visibility: hidden; }
    #td-away > div {
      max-width: 480px; margin: 16px; padding: 24px; border-radius: 8px; font: 15px/1.5 "Source Sans", sans-serif;
      background: #FFFFFF; color: #1B1F27; border: 1px solid #DFE2E8;
    }
    #td-away h2 { margin: 0 0 8px; font-size: 20px; line-height: 1.2; font-weight: 600; }
    #td-away p { margin: 0 0 8px; }
    #td-away code { font-family: "Source Code Pro", monospace; font-size: 13px; }
    #td-away p:last-child { margin: 0; color: #5A6170; }
    @media (prefers-color-scheme: dark) {
      #td-away > div { background: #171B23; color: #E8EAF0; border-color: #2B303B; }
      #td-away p:last-child { color: #A4ABBA; }
    }`;
  const words = `
    <div>
      <h2>${_("The dashboard is not running")}</h2>
      <p>${_("Trainings go on without it, and what you have entered is kept.")}</p>
      <p>${_("Start it again as before: {command} or {other}.", { command: "<code>streamlit run app.py</code>", other: "<code>traindash</code>" })}</p>
      <p>${_("This page comes back by itself, where you are.")}</p>
    </div>`;
  let timer = 0, open = 0;

  function show() {
    if (!document.getElementById("td-away")) {
      const style = document.createElement("style");
      style.textContent = css;
      const box = document.createElement("div");
      box.id = "td-away";
      box.setAttribute("role", "alert");
      box.innerHTML = words;
      document.head.append(style);
      document.body.append(box);
    }
    document.documentElement.classList.add("td-away");
  }

  function lost() {
    open = Math.max(0, open - 1);
    clearTimeout(timer);
    // A page that is left closes its connection, too, and a short break needs no words.
    if (!open) timer = setTimeout(show, WAIT_MS);
  }

  function found() {
    open += 1;
    clearTimeout(timer);
    document.documentElement.classList.remove("td-away");
  }

  window.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      if (!String(args[0]).includes(STREAM)) return;
      let was = false;
      this.addEventListener("open", () => { was = true; found(); });
      this.addEventListener("close", () => { if (was) lost(); });
    }
  };
})();
