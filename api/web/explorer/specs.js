// Vega-Lite specs of rows. Colours are variables of the style sheet, so that themes and print need no new drawing.

const INK = "var(--ink)";
const FAINT = "var(--faint)";
const FONT = "system-ui, sans-serif";
const NUMBER = ",d";
const DIMMED = 0.28;
const NAME = 24; // characters of a line of a name, about
const PAPER = 215; // pixels: so high two charts of time fill a first page
const [LINE, GAP] = [13, 8]; // pixels of a line of a name, and from it to the next mediator

const CONFIG = {
  background: null,
  font: FONT,
  lineBreak: "\n",
  aria: false, // the picture is told as a whole, and its numbers stand in the table below it
  view: { stroke: null },
  axis: {
    labelFontSize: 12, labelColor: FAINT, labelPadding: 6, title: null, domain: false, ticks: false,
    gridColor: "var(--line)", gridWidth: 1, labelOverlap: false,
  },
};

function whole(width, height, more) {
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json", width, height, padding: { left: 0, top: 6, right: 12, bottom: 0 },
    autosize: { type: "fit-x", contains: "padding" }, config: CONFIG, ...more,
  };
}

/** Break a name into lines of about so many characters. */
function wrapped(name, most) {
  const lines = [""];
  for (const word of name.split(" ")) {
    if (lines.at(-1) && `${lines.at(-1)} ${word}`.length > most) lines.push("");
    lines[lines.length - 1] += `${lines.at(-1) ? " " : ""}${word}`;
  }
  return lines.join("\n");
}

const textsOf = (labels) => `(${JSON.stringify(labels)})[datum.value]`;
const dimmed = { condition: { test: "datum.chosen", value: 1 }, value: DIMMED };

/** Stacked bars by period; a band behind each, as high as the plot, is what is pointed at. */
export function timelineSpec({ starts, whole: periods, bars, labels, period }, width, height) {
  const axis = { values: Object.keys(labels).map(Number), labelExpr: textsOf(labels), labelAngle: 0, labelLineHeight: 15 };
  const x = { field: "period", type: "ordinal", sort: null, axis, scale: { domain: starts, padding: 0 } };
  const bar = starts.length > width / 70 ? { band: period === 1 ? 0.76 : 0.84 } : 56;
  return whole(width, height, {
    usermeta: { paper: PAPER },
    layer: [
      {
        data: { values: bars },
        mark: { type: "bar", width: bar },
        encoding: {
          x, y: { field: "best", type: "quantitative", stack: "zero", axis: { format: NUMBER, tickCount: 5 } },
          color: { field: "colour", type: "nominal", scale: null }, opacity: dimmed, order: { field: "rank" },
        },
      },
      {
        data: { values: periods.filter((each) => each.best > 0) },
        mark: { type: "bar", width: { band: 1 }, fill: "transparent", cursor: "pointer" },
        encoding: { x, y: { value: 0 }, y2: { value: "height" } },
      },
    ],
  });
}

/** Horizontal bars with names before and numbers behind them. */
export function mediatorSpec(rows, width) {
  const wide = width >= 420;
  const textOf = (row) => wrapped(row.name, NAME);
  const linesOf = (row) => textOf(row).split("\n").length;
  const most = Math.max(...rows.map(linesOf));
  const pitch = most * LINE + GAP;
  const lines = Object.fromEntries(rows.map((row) => [row.mediator, linesOf(row)]));
  // Of several lines, the library centres the first beside the bar.
  const offsets = [...Array(most).keys()].slice(1).map((more) => ({ test: `${textsOf(lines)} === ${more + 1}`, value: (-more * LINE) / 2 }));
  const y = { field: "mediator", type: "nominal", sort: null, scale: { padding: 0.35 } };
  const labels = Object.fromEntries(rows.map((row) => [row.mediator, textOf(row)]));
  // The number behind the longest bar has its room inside of the plot.
  const x = { field: "best", type: "quantitative", axis: null, scale: { nice: false, range: [0, { expr: `width - ${wide ? 150 : 52}` }] } };
  const axis = { labelExpr: textsOf(labels), labelColor: INK, labelLineHeight: LINE, labelLimit: 0, labelPadding: 8, grid: false };
  if (offsets.length > 0) axis.labelOffset = { condition: offsets, value: 0 };
  return whole(width, rows.length * pitch, {
    data: { values: rows },
    layer: [
      {
        mark: { type: "bar", height: 17 },
        encoding: {
          y: { ...y, axis }, x, opacity: dimmed,
          color: { condition: { test: "datum.none", value: "var(--rest)" }, value: "var(--bar)" },
        },
      },
      {
        mark: { type: "text", align: "left", dx: 6, fontSize: 12, color: FAINT },
        encoding: { y: { ...y, axis }, x, text: { field: wide ? "long" : "short" } },
      },
      {
        mark: { type: "bar", height: pitch, fill: "transparent", cursor: "pointer" },
        encoding: { y: { ...y, axis }, x: { value: 0 }, x2: { value: "width" } },
      },
    ],
  });
}

/** A line that rises from day to day, and dots for what was announced. */
export function cumulativeSpec(points, marks, width, height) {
  const last = points.at(-1);
  const end = [last.day, ...marks.map((mark) => mark.day)].sort().at(-1);
  const x = {
    field: "day", type: "temporal", scale: { type: "utc", domain: [points[0].day, end].map((day) => ({ expr: `utc(${utcOf(day)})` })), nice: false },
    axis: { grid: false, tickCount: Math.max(2, Math.floor(width / 90)), labelOverlap: "greedy", labelFlush: true },
  };
  const y = { field: "best", type: "quantitative", axis: { format: NUMBER, tickCount: 5 } };
  const line = end > last.day ? [...points, { day: end, best: last.best }] : points;
  const colour = "var(--mark)";
  const dots = {
    data: { values: marks },
    mark: { type: "point", size: 60, strokeWidth: 1.5, opacity: 1 },
    encoding: {
      x, y, stroke: { value: colour },
      fill: { condition: { test: "datum.exact", value: colour }, value: "var(--paper)" },
      shape: { condition: { test: "datum.begins", value: "circle" }, value: "diamond" },
    },
  };
  return whole(width, height, {
    usermeta: { paper: PAPER },
    layer: [
      { data: { values: line }, mark: { type: "line", interpolate: "step-after", strokeWidth: 2, color: INK }, encoding: { x, y } },
      ...(marks.length ? [dots] : []),
    ],
  });
}

const utcOf = (day) => { const [year, month, date] = day.split("-").map(Number); return `${year}, ${month - 1}, ${date}`; };
