// The fields that tasks of every kind have, as a schema of their own, so that one form asks for all.

const COMMON = {
  queue: { type: 'string', description: 'The queue it waits in.', default: 'default' },
  priority: {
    enum: ['low', 'normal', 'high', 'critical', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    description: '10 first; low is 3, normal 5, high 8, critical 10.',
  },
  tags: { type: 'array', items: { type: 'string' }, description: 'Labels to find it by.' },
  dispatch: {
    enum: ['auto', 'manual'],
    description: 'auto: it starts by itself. manual: somebody takes or executes it.',
    default: 'auto',
  },
  delay_seconds: { type: 'number', minimum: 0, description: 'Start no sooner than after so many seconds.' },
  timeout_seconds: { type: 'number', exclusiveMinimum: 0, description: 'Longest time of one attempt, in seconds.' },
  max_attempts: { type: 'integer', minimum: 1, maximum: 1000, description: 'Most attempts.' },
  budget_usd: {
    type: 'number',
    exclusiveMinimum: 0,
    description: 'Most it may cost over all attempts, in US dollars.',
  },
  provider: { type: 'string', description: 'The LLM provider; left out, the one that serves the model.' },
  model: { type: 'string', description: 'The model; left out, the default one.' },
  work_directory: { type: 'string', description: 'Absolute path of the directory it works in.' },
  category: { type: 'string', description: 'A coarse grouping of your own.' },
  unique_key: { type: 'string', description: 'A second task with the same key and input is the first one.' },
  wait_for_executor: { type: 'boolean', description: 'Take it even while its kind cannot run here, and let it wait.' },
};

/** The schema of the common fields beside a payload of `payload`, without those that the payload asks for itself. */
export function common(payload) {
  const own = payload?.properties ?? {};
  const entries = Object.entries(COMMON).filter(([name]) => !(name in own));
  return { type: 'object', properties: Object.fromEntries(entries) };
}

export const COMMON_NAMES = Object.keys(COMMON);

/** Those that are asked for before the others. */
export const COMMON_FIRST = ['queue', 'priority', 'dispatch', 'model'];
