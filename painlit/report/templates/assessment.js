"use strict";
(() => {
  const chart = document.getElementById("chart"), reading = document.getElementById("reading");
  const drawn = JSON.parse(document.getElementById("drawn").textContent);
  const peaks = JSON.parse(chart.dataset.peaks);
  const whole = [...drawn.layout.xaxis.range], long = whole[1] >= 120;
  const windows = drawn.data.findIndex(trace => trace.name === "windows");
  const faces = drawn.data.findIndex(trace => trace.name === "pictures");
  const images = drawn.layout.images || [], tall = drawn.layout.height;
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400];
  const touch = matchMedia("(pointer: coarse)").matches;
  let at = -1, cursor = null, times = [], drawnTimes = [], shown = "";

  const clock = (seconds, step) => {
    const digits = step < 1 ? 1 : 0, minutes = Math.floor(seconds / 60 + 1e-9), rest = (seconds - 60 * minutes);
    const two = rest.toFixed(digits).padStart(digits ? 4 : 2, "0");
    if (minutes < 60) return `${minutes}:${two}`;
    return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${two}`;
  };

  // What depends on the width and on the zoom: ticks, and which faces fit side by side.
  const fit = () => {
    const [low, high] = chart._fullLayout.xaxis.range, width = chart._fullLayout._size.w;
    const step = steps.find(s => (high - low) / s <= Math.max(2, width / 75)) || 86400;
    const values = [];
    for (let k = Math.ceil(low / step - 1e-6); k * step <= high + 1e-6; k++) values.push(k * step);
    const update = {"xaxis.tickvals": values,
      "xaxis.ticktext": values.map(v => long ? clock(v, step) : String(Math.round(10 * v) / 10))};
    const side = 80 * (high - low) / width, kept = new Set(), taken = k => drawnTimes[k];
    const x = k => Math.max(low + side / 2, Math.min(high - side / 2, taken(k)));  // whole, at the ends too
    const order = images.map((_, k) => k).filter(k => taken(k) >= low && taken(k) <= high);
    order.sort((a, b) => (images[b].name === "peak") - (images[a].name === "peak") || a - b);
    for (const k of order) if ([...kept].every(other => Math.abs(x(other) - x(k)) >= side)) kept.add(k);
    images.forEach((_, k) => {
      update[`images[${k}].visible`] = kept.has(k);
      update[`images[${k}].sizex`] = 0.95 * side;
      update[`images[${k}].x`] = x(k);
    });
    const state = JSON.stringify([update, width]);
    if (state === shown) return place();
    shown = state;
    const opacity = images.map((_, k) => kept.has(k) ? 1 : 0);
    return (faces < 0 ? Plotly.relayout(chart, update)
      : Plotly.update(chart, {"marker.opacity": [opacity]}, update, [faces])).then(place);
  };

  const place = () => {
    if (!cursor) return;
    const size = chart._fullLayout._size, [low, high] = chart._fullLayout.xaxis.range;
    const inside = at >= 0 && times[at] >= low - 1e-9 && times[at] <= high + 1e-9;
    cursor.hidden = !inside;
    if (!inside) return;
    cursor.style.left = `${size.l + size.w * (times[at] - low) / (high - low)}px`;
    cursor.style.top = `${size.t}px`;
    cursor.style.height = `${size.h}px`;
    cursor.dataset.time = times[at];
  };

  const text = html => html.replaceAll("<br>", " · ").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

  const go = k => {
    at = Math.max(0, Math.min(times.length - 1, k));
    reading.textContent = text(drawn.data[windows].hovertext[at]);
    place();
  };

  // By key or button: a window outside the zoomed part brings that part along.
  const move = k => {
    if (!times.length) return;
    go(k);
    const [low, high] = chart._fullLayout.xaxis.range;
    if (times[at] < low || times[at] > high) zoom(1, times[at]);
  };

  const zoom = (factor, around) => {
    const [low, high] = chart._fullLayout.xaxis.range, length = whole[1] - whole[0];
    const middle = around ?? (at >= 0 && times[at] >= low && times[at] <= high ? times[at] : (low + high) / 2);
    const span = Math.min(length, Math.max(Math.min(2, length), (high - low) * factor));
    const from = Math.max(whole[0], Math.min(whole[1] - span, middle - span / 2));
    Plotly.relayout(chart, {"xaxis.range": [from, from + span]});
  };

  const nextPeak = () => {
    const now = at < 0 ? -Infinity : times[at];
    const next = peaks.find(p => p > now + 1e-3) ?? peaks[0];
    if (next === undefined) return;
    const off = times.map(t => Math.abs(t - next));
    move(off.indexOf(Math.min(...off)));
  };

  const acts = {
    back: () => move(at < 0 ? 0 : at - 1), on: () => move(at + 1), peak: nextPeak,
    in: () => zoom(0.5), out: () => zoom(2), all: () => Plotly.relayout(chart, {"xaxis.range": [...whole]}),
  };
  const keys = {
    ArrowLeft: acts.back, ArrowRight: acts.on, PageUp: () => move(at - 10), PageDown: () => move(at + 10),
    Home: () => move(0), End: () => move(times.length - 1), p: nextPeak, P: nextPeak,
    "+": acts.in, "=": acts.in, "-": acts.out, 0: acts.all,
  };

  // Colours of the page, which is dark for some and white on paper.
  const colours = paper => {
    const style = getComputedStyle(document.documentElement);
    const of = name => style.getPropertyValue(name).trim();
    const ink = paper ? "#1c2430" : of("--ink"), card = paper ? "#ffffff" : of("--card");
    return {"font.color": ink, "hoverlabel.bgcolor": card, "hoverlabel.font.color": ink};
  };

  const config = {displayModeBar: false, displaylogo: false, responsive: false, showTips: false, doubleClick: "reset",
    plotlyServerURL: "", scrollZoom: false};
  Object.assign(drawn.layout, {autosize: true, dragmode: touch ? false : "zoom"});
  drawn.layout.xaxis.showspikes = false;  // the page's own cursor moves by keys too
  if (matchMedia("(max-width: 40rem)").matches) drawn.data[windows].hoverinfo = "none";

  const first = colours(false);
  drawn.layout.font.color = first["font.color"];
  Object.assign(drawn.layout.hoverlabel, {bgcolor: first["hoverlabel.bgcolor"], font: {size: 13, color: first["font.color"]}});
  Plotly.newPlot(chart, drawn.data, drawn.layout, config).then(() => {
    times = [...chart._fullData[windows].x];
    drawnTimes = faces < 0 ? [] : [...chart._fullData[faces].x];
    cursor = document.createElement("div");
    cursor.id = "cursor";
    cursor.hidden = true;
    chart.append(cursor);
    chart.on("plotly_hover", event => {
      const point = event.points.find(p => p.curveNumber === windows);
      if (point) go(point.pointNumber);
    });
    chart.on("plotly_relayout", fit);
    chart.addEventListener("keydown", event => {
      const act = keys[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    });
    for (const button of document.querySelectorAll("[data-do]")) button.onclick = acts[button.dataset.do];
    let waits = 0;
    addEventListener("resize", () => {
      clearTimeout(waits);
      waits = setTimeout(() => Plotly.Plots.resize(chart).then(fit), 100);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => Plotly.relayout(chart, colours(false)));
    // Cartesian charts are drawn at once, so paper sees them in its own width.
    addEventListener("beforeprint", () => Plotly.relayout(chart, {width: 680, height: 0.92 * tall, ...colours(true)}));
    addEventListener("afterprint", () => Plotly.relayout(chart, {width: null, height: tall, autosize: true, ...colours(false)}));
    return fit();
  }).then(() => chart.dataset.ready = "1");
})();
