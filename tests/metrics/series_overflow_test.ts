import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { MetricRegistry } from "../../src/metrics/registry.ts";
import { SampleRecorder } from "../../src/metrics/sample_recorder.ts";
import { SeriesOverflow } from "../../src/metrics/series_overflow.ts";
import { TagSet } from "../../src/metrics/tag_set.ts";
import type { TagPairs } from "../../src/metrics/types.ts";

const name = fc.constantFrom("check", "group", "id", "overflow", "status");
const value = fc.constantFrom("a", "b", "true", "200");
const tags = fc.uniqueArray(fc.tuple(name, value), { selector: ([tag]) => tag }).map((pairs): TagPairs =>
  pairs.sort(([a], [b]) => a < b ? -1 : 1)
);

Deno.test("folding keeps what thresholds and the summary select, and twice is as once", () => {
  fc.assert(fc.property(fc.array(tags), tags, (all, selected) => {
    const overflow = new SeriesOverflow({ limit: 1, selected });
    for (const pairs of all) {
      const folded = overflow.fold(pairs);
      assert(overflow.fold(folded) === folded);
      assert(folded.some(([tag, value]) => tag === "overflow" && value === "true"));
      const chosen = ([tag, value]: readonly [string, string]): boolean =>
        tag !== "overflow" &&
        (["check", "group"].includes(tag) || selected.some((s) => s[0] === tag && s[1] === value));
      assertEquals(folded.filter(([tag]) => tag !== "overflow"), pairs.filter(chosen));
      assertEquals(folded.map(([tag]) => tag), folded.map(([tag]) => tag).sort());
    }
  }));
});

Deno.test("checks and groups are told apart up to a limit", () => {
  const overflow = new SeriesOverflow({ limit: 1, selected: [["status", "200"]] });
  const folded = new Set<TagPairs>();
  for (let i = 0; i < 5000; i++) folded.add(overflow.fold([["check", `${i}`], ["status", "200"]]));
  assertEquals(folded.size, 1001);
  assertEquals([...folded].at(-1), [["overflow", "true"], ["status", "200"]]);
});

Deno.test("with a limit the series of all workers stay few, and every sample counts where it is selected", () => {
  const warnings: string[] = [];
  const registry = new MetricRegistry((message) => warnings.push(message));
  const mine = registry.define("mine", "counter", "default");
  const even = registry.addSubMetric("mine{even:true}");
  const settings = { limit: 100, selected: even.tags };
  registry.overflow = new SeriesOverflow(settings);
  for (const source of [0, 1]) {
    const recorder = new SampleRecorder((batch) => registry.ingest(source, batch));
    recorder.overflow = new SeriesOverflow(settings);
    const metric = recorder.defineMetric("mine", "counter", "default");
    const root = TagSet.root().with("scenario", "s");
    for (let i = 0; i < 1000; i++) {
      recorder.record(recorder.series(metric, root.with("id", `${source} ${i}`).with("even", `${i % 2 === 0}`)), i, 1);
    }
    recorder.flush();
  }
  assertEquals([mine.sink.count, even.sink.count], [2000, 1000]);
  const folded = registry.series.filter(({ tags }) => tags.some(([tag]) => tag === "overflow")).map(({ tags }) => tags);
  assertEquals(folded, [
    [["even", "true"], ["overflow", "true"], ["scenario", "s"]],
    [["overflow", "true"], ["scenario", "s"]],
  ]);
  assertEquals(registry.series.length, 102);
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0]!, /has 100 time series.*the tag "id" has 100 values/);
});

Deno.test("a sealed tree makes sets as before but remembers none", () => {
  const root = TagSet.root();
  const known = root.with("a", "1");
  root.seal(new SeriesOverflow({ limit: 0, selected: [["b", "1"]] }));
  assert(root.with("a", "1") === known && known.counted === known);
  const loose = known.with("b", "1").with("a", "2");
  assertEquals(loose.toPairs(), [["a", "2"], ["b", "1"]]);
  assertEquals(loose.counted.toPairs(), [["b", "1"], ["overflow", "true"]]);
  assertEquals([loose.id, loose.id], [loose.counted.id, loose.counted.id]);
  assert(loose.counted === root.with("c", "3").with("b", "1").counted);
  assert(loose.id !== known.id);
});
