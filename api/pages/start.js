  const list = document.getElementById("parts");
  async function ask() {
    let parts;
    try { parts = (await (await fetch("/readyz")).json()).parts; } catch { parts = { api: "failing" }; }
    list.replaceChildren(...Object.entries(parts).map(([name, state]) => {
      const item = document.createElement("li"), word = document.createElement("strong");
      word.className = state; word.textContent = state === "ok" ? "ready" : "does not answer";
      item.append(name + " ", word);
      return item;
    }));
  }
  ask(); setInterval(ask, 10000);
