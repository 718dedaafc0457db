import * as v from 'valibot';

/** A cluster in some cloud, and the identity of its nodes. */
export const Place = v.object({
  cluster: v.object({ uuid: v.string(), name: v.string() }),
  heat_params: v.object({
    AUTH_URL: v.string(),
    MAGNUM_URL: v.string(),
    REGION_NAME: v.string(),
    TRUSTEE_USER_ID: v.string(),
    TRUSTEE_PASSWORD: v.string(),
    TRUST_ID: v.string(),
  }),
});

/** A cluster of one server in some cloud: the output of `scripts/cloud seed`. */
export const Coordinates = v.object({
  ...Place.entries,
  servers: v.tupleWithRest(
    [
      v.object({
        name: v.string(),
        os_collect_config: v.object({
          collectors: v.array(v.string()),
          heat: v.object({
            user_id: v.string(),
            password: v.string(),
            auth_url: v.string(),
            project_id: v.string(),
            stack_id: v.string(),
            resource_name: v.string(),
            region_name: v.string(),
          }),
        }),
      }),
    ],
    v.unknown(),
  ),
});

export type Coordinates = v.InferOutput<typeof Coordinates>;
