// Both cores busy, with a sample of one of ten trends after every few microseconds of work.
import { Trend } from "k6/metrics";

const SAMPLES = 1000;
const WORK = 3000;
const trends = Array.from({ length: 10 }, (_, i) => new Trend(`trend_${i}`));

export default function () {
  let value = __ITER + 1;
  for (let i = 0; i < SAMPLES; i++) {
    for (let j = 0; j < WORK; j++) value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
    trends[i % 10].add((value >>> 0) / 1000);
  }
}
