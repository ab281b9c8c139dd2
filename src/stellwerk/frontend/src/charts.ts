// Charts from the figures beside them: each [data-chart] names a JSON block; a click on a bar opens the list behind it.
import { BarChart, LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { type ECharts, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, LineChart, AriaComponent, GridComponent, LegendComponent, TooltipComponent, SVGRenderer]);

interface Series {
  name: string;
  values: number[];
  urls?: (string | null)[];
  hue?: string;
}

interface Data {
  kind: "bars" | "columns" | "lines" | "stack";
  labels: string[];
  series: Series[];
}

interface Drawn {
  chart: ECharts;
  data: Data;
}

const drawn: Drawn[] = [];

export function drawAll(): void {
  document.querySelectorAll<HTMLElement>("[data-chart]").forEach(draw);
  const redraw = () => drawn.forEach((one) => paintChart(one));
  document.addEventListener("look-changed", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  window.addEventListener("resize", () => {
    drawn.forEach(({ chart }) => chart.resize());
    redraw();
  });
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll<HTMLDetailsElement>(".chart-data").forEach((table) => (table.open = true));
    drawn.forEach((one) => {
      one.chart.resize({ width: 640 });
      paintChart(one, true);
    });
  });
  window.addEventListener("afterprint", () => {
    drawn.forEach(({ chart }) => chart.resize({ width: "auto" }));
    redraw();
  });
}

function draw(figure: HTMLElement): void {
  const block = document.getElementById(figure.dataset.chart!);
  const canvas = figure.querySelector<HTMLElement>(".chart-canvas");
  if (!block || !canvas) return;
  const data = JSON.parse(block.textContent ?? "{}") as Data;
  const chart = init(canvas, null, { renderer: "svg" });
  paintChart({ chart, data });
  chart.on("click", ({ seriesIndex, dataIndex }) => {
    const url = data.series[seriesIndex ?? 0]?.urls?.[dataIndex];
    if (url) location.href = url;
  });
  figure.querySelector<HTMLDetailsElement>(".chart-data")!.open = false;
  figure.classList.add("is-drawn");
  drawn.push({ chart, data });
}

function paintChart({ chart, data }: Drawn, light = false): void {
  chart.setOption(options(data, chart.getWidth(), light), true);
}

/** The value of a token in the theme in force, as a colour that echarts understands. */
function color(token: string, light: boolean): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  probe.style.colorScheme = light ? "light" : "inherit";
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/** The page's face by name: echarts measures texts on a canvas, which does not know what to inherit. */
function font(): string {
  return getComputedStyle(document.body).fontFamily;
}

function tokenOf(data: Data, series: Series, index: number): string {
  const hue = String(series.hue ?? "");
  if (!hue && data.kind === "lines") return `--hue-${(index % 8) + 1}`;
  if (!hue) return index % 4 ? `--chart-${(index % 4) + 1}` : "--chart";
  if (/^\d$/.test(hue)) return `--hue-${hue}`;
  return ["chart", "lamp", "danger", "warning"].includes(hue) || hue.startsWith("priority") ? `--${hue}` : `--status-${hue}`;
}

function options(data: Data, width: number, light = false): Record<string, unknown> {
  const paint = (token: string) => color(token, light);
  const text = { color: paint("--ink-2"), fontFamily: font(), fontSize: 12 };
  const lying = data.kind === "bars";
  const many = data.series.length > 1;
  const axes = { category: categoryAxis(data, width, text, paint), value: valueAxis(lying, text, paint) };
  return {
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches && !light,
    animationDuration: 250,
    aria: { enabled: true },
    textStyle: text,
    grid: lying
      ? { left: labelWidth(data, width), right: 40, top: many ? 32 : 4, bottom: 4 }
      : { left: 36, right: 10, top: many ? 36 : 12, bottom: data.labels.length > 8 ? 26 : 36 },
    legend: many ? { top: 0, left: 0, padding: [5, 5, 5, 0], itemWidth: 12, itemHeight: 8, itemGap: 16, icon: "roundRect", textStyle: text } : undefined,
    tooltip: tooltip(data, text, paint),
    xAxis: lying ? axes.value : axes.category,
    yAxis: lying ? axes.category : axes.value,
    series: data.series.map((series, index) => seriesOption(data, series, paint(tokenOf(data, series, index)), paint)),
  };
}

type Paint = (token: string) => string;
type Text = Record<string, unknown>;

/** Room for the longest name beside lying bars, measured roughly; longer ones are cut. */
function labelWidth(data: Data, width: number): number {
  return Math.min(170, 0.5 * width, 14 + 6.8 * Math.max(...data.labels.map((label) => label.length)));
}

function categoryAxis(data: Data, width: number, text: Text, paint: Paint): Record<string, unknown> {
  const lying = data.kind === "bars";
  return {
    type: "category",
    data: data.labels,
    inverse: lying,
    axisLine: { show: !lying, lineStyle: { color: paint("--line-2") } },
    axisTick: { show: false },
    axisLabel: lying ? { ...text, width: labelWidth(data, width) - 12, overflow: "truncate" } : columnLabel(data, width, text),
  };
}

/** Few names are all written, broken into lines; many (days) only as they fit. */
function columnLabel(data: Data, width: number, text: Text): Record<string, unknown> {
  const room = (width - 46) / data.labels.length - 2;
  return data.labels.length > 8
    ? { ...text, hideOverlap: true }
    : { ...text, fontSize: room < 60 ? 10.5 : 12, interval: 0, width: Math.max(24, room), overflow: "break", lineHeight: 14 };
}

function valueAxis(hidden: boolean, text: Text, paint: Paint): Record<string, unknown> {
  return {
    type: "value",
    show: !hidden,
    minInterval: 1,
    splitNumber: 4,
    splitLine: { lineStyle: { color: paint("--line") } },
    axisLabel: text,
  };
}

function tooltip(data: Data, text: Text, paint: Paint): Record<string, unknown> {
  return {
    trigger: "axis",
    renderMode: "richText",
    axisPointer: {
      type: data.kind === "lines" ? "line" : "shadow",
      lineStyle: { color: paint("--line-control") },
      shadowStyle: { color: paint("--line"), opacity: 0.5 },
    },
    backgroundColor: paint("--surface-raised"),
    borderColor: paint("--line-2"),
    padding: [6, 10],
    textStyle: { ...text, color: paint("--ink") },
  };
}

function seriesOption(data: Data, series: Series, hue: string, paint: Paint): Record<string, unknown> {
  const common = { name: series.name, data: series.values, color: hue, cursor: series.urls ? "pointer" : "default" };
  if (data.kind === "lines") {
    return { ...common, type: "line", showSymbol: false, lineStyle: { width: 2, type: data.series.indexOf(series) % 2 ? [5, 3] : "solid" }, emphasis: { disabled: true }, areaStyle: data.series.length === 1 ? { opacity: 0.08 } : undefined };
  }
  const lying = data.kind === "bars";
  const stacked = data.kind === "stack" || (lying && data.series.length > 1);
  const last = series === data.series.at(-1);
  return {
    ...common,
    type: "bar",
    stack: stacked ? "all" : undefined,
    barMaxWidth: lying ? 16 : 28,
    itemStyle: { borderRadius: stacked ? 0 : lying ? [0, 3, 3, 0] : [3, 3, 0, 0] },
    label: lying && last ? barLabel(data, paint) : undefined,
  };
}

/** The whole number at the end of a lying bar; hidden parts are not counted. */
function barLabel(data: Data, paint: Paint): Record<string, unknown> {
  const total = ({ dataIndex }: { dataIndex: number }) =>
    data.series.reduce((sum, series) => sum + (series.values[dataIndex] ?? 0), 0).toLocaleString();
  return { show: true, position: "right", formatter: total, color: paint("--ink"), fontSize: 12, fontFamily: font() };
}
