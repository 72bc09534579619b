import { assertEquals } from "@std/assert";
import { Deadlines, Expiring } from "../../src/net/deadlines.ts";

class Entry extends Expiring {
  readonly #expired: () => void;

  constructor(expired: () => void) {
    super();
    this.#expired = expired;
  }

  override expire(): void {
    this.#expired();
  }
}

Deno.test("entries expire in the order of their deadlines, removed ones never", async () => {
  const deadlines = new Deadlines();
  const order: string[] = [];
  const add = (name: string, timeoutMs: number) => {
    const entry = new Entry(() => order.push(name));
    deadlines.add(entry, performance.now(), timeoutMs);
    return entry;
  };
  add("slow", 40);
  const first = add("first of two", 20);
  add("second of two", 20);
  const middle = add("removed", 20);
  add("third", 20);
  const last = add("removed too", 20);
  add("quick", 5);
  for (const entry of [middle, last, first, first]) deadlines.remove(entry);
  await new Promise<void>((expired) => deadlines.add(new Entry(expired), performance.now(), 60));
  assertEquals(order, ["quick", "second of two", "third", "slow"]);
  deadlines.close();
});

Deno.test("what began before others expires before them, whenever it was added", async () => {
  const deadlines = new Deadlines();
  const order: number[] = [];
  const now = performance.now();
  await new Promise<void>((expired) => {
    for (const began of [0, -30, -10, -30, -20, -40]) {
      const entry = new Entry(() => order.push(began) === 6 && expired());
      deadlines.add(entry, now + began, 50);
    }
  });
  assertEquals(order, [-40, -30, -30, -20, -10, 0]);
  deadlines.close();
});

Deno.test("an entry may be added again, also from within its own expiry", async () => {
  const deadlines = new Deadlines();
  let rounds = 0;
  await new Promise<void>((done) => {
    const entry: Entry = new Entry(() => {
      if (++rounds === 3) done();
      else deadlines.add(entry, performance.now(), rounds);
    });
    deadlines.add(entry, performance.now(), 1);
  });
  assertEquals(rounds, 3);
  deadlines.close();
});

Deno.test("after close nothing expires and no timer is left", () => {
  const deadlines = new Deadlines();
  deadlines.add(new Entry(() => assertEquals("expired", "closed")), performance.now(), 1);
  deadlines.close();
});

Deno.test("thousands of different timeouts leave no queues behind", () => {
  const deadlines = new Deadlines();
  for (let i = 1; i <= 10_000; i++) {
    const entry = new Entry(() => {});
    deadlines.add(entry, performance.now(), 60_000 + i);
    deadlines.remove(entry);
  }
  assertEquals(deadlines.queues <= 64, true);
  deadlines.close();
});
