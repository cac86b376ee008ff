// How a window asks where one question does not do. The law: nothing is asked more often than it takes to know.

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
