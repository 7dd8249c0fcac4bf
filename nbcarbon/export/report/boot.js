// Draws the charts from the data beside this script: in light always, which is what is printed, and in dark
// once the page is. BokehJS makes style elements, which the page's policy allows by this nonce alone.
(() => {
  const { nonce } = document.currentScript.dataset;
  const create = document.createElement;
  document.createElement = function (name, options) {
    const element = create.call(this, name, options);
    if (name.toLowerCase() === "style") {
      element.nonce = nonce;
    }
    return element;
  };

  const drawn = new Set();
  const draw = theme => {
    if (drawn.has(theme)) {
      return;
    }
    drawn.add(theme);
    const data = JSON.parse(document.getElementById(`charts-${theme}`).textContent);
    for (const [name, item] of Object.entries(data)) {
      Bokeh.embed.embed_item(item, `${theme}-${name}`);
    }
  };

  addEventListener("DOMContentLoaded", () => {
    draw("light");
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => {
      if (dark.matches) {
        draw("dark");
      }
    };
    dark.addEventListener("change", follow);
    follow();
  });
})();
