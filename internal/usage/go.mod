module github.com/podfence/podfence/internal/usage

go 1.26.0
