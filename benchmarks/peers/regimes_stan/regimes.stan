// The regimes model: a switching filter over the visits of every patient, regimes and the wandering
// requirement integrated out. Parameters carry Stan's own constraints, so that its unconstrained
// scale is the logarithm of what is positive and the log odds of what is a share.
functions {
#include names.stan
#include parameters.stan
#include moves.stan
#include belief.stan
#include readings.stan
#include findings.stan
#include filter.stan
}
data {
  int<lower=1> n_patient;
  int<lower=1> n_step;
  array[n_patient + 1] int<lower=1> first_step;  // of each patient, and one past the last
  matrix[n_step, 15] x;  // 0 where nothing was recorded
  array[n_step, 15] int<lower=0, upper=1> there;
  array[n_step, 8] int code;
  int<lower=0> n_action;
  array[n_step + 1] int<lower=1> first_action;
  array[n_action] int<lower=1, upper=32> action;

  int<lower=0> n_free;  // normal priors
  int<lower=0> n_positive;  // log-normal priors
  int<lower=0> n_share;  // beta priors
  vector[n_free] free_mean;
  vector<lower=0>[n_free] free_sd;
  vector[n_positive] positive_mu;
  vector<lower=0>[n_positive] positive_sigma;
  vector<lower=0>[n_share] share_alpha;
  vector<lower=0>[n_share] share_beta;

  // Which of these values, one after the other, makes what; 0: none does.
  array[81] int<lower=0> source;
  array[81] int<lower=0, upper=7> rule;
  vector[81] fixed;
  array[n_patient] int<lower=1> drift_at;
  array[n_patient] int<lower=1> progression_at;
  array[n_patient] int<lower=1> reading_sd_at;
  array[n_patient] int<lower=0> goal_at;
  int<lower=1> untreated_at;
  int<lower=0> follows_at;
  int<lower=0> ratio_at;
  vector[n_patient] untreated_deviation;
  vector[n_patient] older_catheter;
}
transformed data {
  vector[n_step] dt;  // years since the visit before
  matrix[n_step, 4] exposed;
  matrix[n_step, 2] pump_age;
  for (i in 1:n_patient) {
    for (t in first_step[i]:(first_step[i + 1] - 1)) {
      dt[t] = t == first_step[i] ? 0.0 : x[t, COL_T()] - x[t - 1, COL_T()];
      real catheter = x[t, COL_CATHETER_AGE()] - dt[t];
      real tolerance = x[t, COL_T()] - dt[t];
      exposed[t, 1] = fmin(fmax(CATHETER_EARLY_YEARS() - catheter, 0), dt[t]);
      exposed[t, 2] = dt[t] - exposed[t, 1];
      real not_late = fmin(fmax(TOLERANCE_EARLY_YEARS() - tolerance, 0), dt[t]);
      exposed[t, 3] = not_late - fmin(fmax(TOLERANCE_FROM_YEARS() - tolerance, 0), dt[t]);
      exposed[t, 4] = dt[t] - not_late;
      pump_age[t, 1] = (x[t, COL_PUMP_AGE()] - dt[t]) / PUMP_REFERENCE_YEARS();
      pump_age[t, 2] = x[t, COL_PUMP_AGE()] / PUMP_REFERENCE_YEARS();
    }
  }
}
parameters {
  vector[n_free] free;
  vector<lower=0>[n_positive] positive;
  vector<lower=0, upper=1>[n_share] share;
}
model {
  target += normal_lpdf(free | free_mean, free_sd);
  target += lognormal_lpdf(positive | positive_mu, positive_sigma);
  target += beta_lpdf(share | share_alpha, share_beta);

  vector[n_free + n_positive + n_share] value = append_row(free, append_row(positive, share));
  vector[81] g = population(value, source, rule, fixed);
  real ratio = ratio_at == 0 ? 1.0 : value[ratio_at];
  real follows = follows_at == 0 ? 0.0 : value[follows_at];
  for (i in 1:n_patient) {
    vector[6] own;
    own[OWN_DRIFT()] = value[drift_at[i]];
    own[OWN_UNTREATED()] = 1 + value[untreated_at] * exp(follows * untreated_deviation[i]);
    own[OWN_TONE_VAR()] = square(value[reading_sd_at[i]]);
    own[OWN_PROGRESSION_ONSET()] = value[progression_at[i]];
    own[OWN_CATHETER_RATIO()] = 1 + (ratio - 1) * older_catheter[i];
    own[OWN_GOAL()] = goal_at[i] == 0 ? 1.0 : value[goal_at[i]];
    target += course(g, own, first_step[i], first_step[i + 1] - 1, x, there, code, action,
                     first_action, dt, exposed, pump_age);
  }
}
