# Seconds per unit of work in metafor and clubSandwich, one line per row: name,seconds. Called by statistics.py, which
# writes the data: Rscript benchmarks/metafor.R FOLDER
suppressMessages({library(metafor); library(clubSandwich)})
folder <- commandArgs(trailingOnly = TRUE)[1]
table <- function(name) read.csv(file.path(folder, paste0(name, ".csv")))
best <- function(times, expr) {
  code <- substitute(expr); env <- parent.frame()
  min(replicate(times, system.time(eval(code, env))[["elapsed"]]))
}
out <- function(name, seconds) cat(name, seconds, sep = ",", fill = TRUE)
out("version", paste(R.version$major, R.version$minor, packageVersion("metafor"), packageVersion("clubSandwich")))

y <- as.matrix(table("many_yi")); v <- as.matrix(table("many_vi"))
fits <- 200
out("fits", best(1, for (i in seq_len(fits)) try(rma(y[i, ], v[i, ], test = "knha"), silent = TRUE)) / fits)

bcg <- table("bcg"); res <- rma(yi, vi, mods = ~ ablat, data = bcg)
out("permutation", best(1, permutest(res, iter = 1000, progbar = FALSE)) * 10)

g <- table("gosh")
out("gosh", best(1, gosh(rma(yi, vi, data = g, method = "FE"), progbar = FALSE, subsets = 2^14)))

d <- table("fifty")
out("leave_one_out", best(3, leave1out(rma(yi, vi, data = d))))

s <- table("konstantopoulos")
out("three_level", best(5, rma.mv(yi, vi, random = ~ 1 | district/study, data = s)))
three <- rma.mv(yi, vi, random = ~ 1 | district/study, data = s)
out("cr2", best(5, coef_test(three, vcov = "CR2", cluster = s$district)))

ml <- rma(yi, vi, data = bcg, method = "ML")
out("selection", best(3, try(selmodel(ml, type = "stepfun", steps = 0.025, alternative = "less"), silent = TRUE)))
