import { type RefObject, useEffect, useRef } from "react";

/** Tells whether the page is still shown, for what ends later: nobody is led away from another page. */
export function useIsHere(): RefObject<boolean> {
  const isHere = useRef(true);
  useEffect(() => {
    isHere.current = true;
    return () => {
      isHere.current = false;
    };
  }, []);
  return isHere;
}
