import IconCircleX from "@tabler/icons-react/icons/IconCircleX";
import IconPlayerPlay from "@tabler/icons-react/icons/IconPlayerPlay";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useApi, useOrganization } from "@/api/context";
import { t } from "@/i18n";
import { Count } from "@/ui/Count";
import { failedQuery, followCounts, midnight, underWayQuery } from "../counts";

/** How many runs are under way, and how many have failed today; both lead to these. */
export function RunCounts() {
  const api = useApi();
  const org = useOrganization();
  const cache = useQueryClient();
  const [from] = useState(midnight);
  const underWay = useQuery(underWayQuery(api));
  const failed = useQuery(failedQuery(api, from));
  useEffect(() => {
    const ending = new AbortController();
    // Without the stream the counts are as old as the page, which asks for them again when it gets the focus.
    followCounts(api, cache, ending.signal).catch(() => undefined);
    return () => ending.abort();
  }, [api, cache]);
  return (
    <>
      <Count
        title={t("Running now")}
        icon={<IconPlayerPlay size={16} aria-hidden />}
        count={underWay.data}
        render={(props) => (
          <Link to="/$org/runs" params={{ org }} search={{ state: ["claimed", "running"] }} {...props} />
        )}
      />
      <Count
        title={t("Failed today")}
        icon={<IconCircleX size={16} aria-hidden />}
        count={failed.data}
        isBad={(failed.data ?? 0) > 0}
        render={(props) => <Link to="/$org/runs" params={{ org }} search={{ state: ["failed"], from }} {...props} />}
      />
    </>
  );
}
