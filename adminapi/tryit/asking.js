// How a window asks where one question does not do. The law: nothing is asked more often than it takes to know.

// The last of a list whose first ones fit and whose others do not, by halving; the very last, which fits most often, is asked first.
export async function lastThat(list, fits) {
  let [from, to] = [0, list.length]; // those before `from` fit; those from `to` on do not
  for (let at = to - 1; from < to; at = (from + to) >> 1) {
    if (await fits(list[at])) from = at + 1;
    else to = at;
  }
  return list[from - 1];
}

// A refusal of the moment, such as too many calls a minute, is waited out.
export async function patiently(ask) {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const wait = error.data?.retry_after_ms;
      if (!wait) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}
