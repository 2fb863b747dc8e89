// Waiting, for tools that measure.
export const MAX_TIMER_MS = 1000;

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
