import { useEffect, useState } from "react";

const screenful = 20;
/** A part looks at up to 500,000 runs, or 100,000 where a text is searched. */
const maxParts = 20;

type List = {
  data: { pages: readonly unknown[] } | undefined;
  runs: readonly unknown[];
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  isFetchNextPageError: boolean;
  fetchNextPage: () => unknown;
};

/**
 * Reads further parts of a list until they fill a screen: where hardly any run matches, a part may hold few or none
 * although there are more. Returns whether it goes on, and what stops it.
 */
export function useLookingFurther(list: List) {
  const [isStopped, setStopped] = useState(false);
  const { data, runs, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = list;
  const parts = data?.pages.length ?? 0;
  const isLooking =
    !isStopped && !isFetchNextPageError && hasNextPage && runs.length < screenful && parts > 0 && parts < maxParts;
  useEffect(() => {
    if (isLooking && !isFetchingNextPage) fetchNextPage();
  }, [isLooking, isFetchingNextPage, fetchNextPage]);
  return { isLooking, stop: () => setStopped(true) };
}
