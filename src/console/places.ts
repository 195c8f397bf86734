/** What has an address: each view of the navigation, with the parts of it that have one of their own. */
export const places = {
  doors: [],
  attempts: ['events'],
  codes: ['doors', 'people', 'spaces'],
  noise: [],
  box: ['events', 'metrics', 'webhooks', 'keys', 'configuration'],
} as const;

/** Views of one thing, with the view in which it is found: `#/door/ID`. */
export const placesOfOne = { door: 'doors', attempt: 'attempts', grant: 'codes' } as const;

export type ViewName = keyof typeof places;
export type ViewOfOne = keyof typeof placesOfOne;
export type PartOf<View extends ViewName> = (typeof places)[View][number];

export const isViewOfOne = (view: string): view is ViewOfOne => Object.hasOwn(placesOfOne, view);
