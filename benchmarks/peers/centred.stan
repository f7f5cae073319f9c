// Patients' levels and drifts are drawn around their population means.
data {
  int<lower=1> n_diagnosis;
  int<lower=1> n_patient;
  int<lower=1> n_visit;
  array[n_patient] int<lower=1, upper=n_diagnosis> diagnosis;
  array[n_visit] int<lower=1, upper=n_patient> patient;
  vector[n_visit] since;
  vector[n_visit] log_dose;
  real level_mean;
  real<lower=0> level_scale;
  real drift_mean;
  real<lower=0> drift_scale;
  real level_sd_mu;
  real<lower=0> level_sd_sigma;
  real<lower=0> drift_sd_scale;
  real<lower=0> correlation_alpha;
  real<lower=0> correlation_beta;
  real within_sd_mu;
  real<lower=0> within_sd_sigma;
}
parameters {
  vector[n_diagnosis] level;
  vector[n_diagnosis] drift;
  real<lower=0> level_sd;
  real<lower=0> drift_sd;
  real<lower=0, upper=1> correlation_01;
  real<lower=0> within_sd;
  vector[n_patient] own_level;
  vector[n_patient] own_drift;
}
model {
  real rho = 2 * correlation_01 - 1;
  vector[n_patient] mean_level = level[diagnosis];
  level ~ normal(level_mean, level_scale);
  drift ~ normal(drift_mean, drift_scale);
  level_sd ~ lognormal(level_sd_mu, level_sd_sigma);
  drift_sd ~ normal(0, drift_sd_scale);
  correlation_01 ~ beta(correlation_alpha, correlation_beta);
  within_sd ~ lognormal(within_sd_mu, within_sd_sigma);
  own_level ~ normal(mean_level, level_sd);
  own_drift ~ normal(drift[diagnosis] + rho * drift_sd / level_sd * (own_level - mean_level),
                     drift_sd * sqrt(1 - square(rho)));
  log_dose ~ normal(own_level[patient] + own_drift[patient] .* since, within_sd);
}
