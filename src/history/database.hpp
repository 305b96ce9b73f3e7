// SPDX-License-Identifier: GPL-2.0-or-later
// SQLite's handles with owners, and its errors as values. Knows no table of ours.
// Threads: one thread at a time for a Database and its Statements; the library is opened without its mutexes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace farewell::history {

/// What a caller must treat differently.
enum class StoreFailure : std::uint8_t {
    full,     ///< no room on the disk: nothing is lost, and reading goes on
    corrupt,  ///< the file is no database (any more)
    foreign,  ///< a database, but of another program or of a newer farewell: not ours to touch
    other,    ///< see the message
};

struct StoreError {
    StoreFailure failure = StoreFailure::other;
    std::string message;  ///< operation, file and reason in words
};

/// A prepared statement. What is bound must outlive the next step().
class Statement {
 public:
    explicit Statement(sqlite3_stmt* statement, const std::filesystem::path& path)
        : statement_(statement), path_(&path) {}

    Statement& bind(int index, std::int64_t value);
    Statement& bind(int index, std::string_view text);
    Statement& bind(int index, std::span<const std::byte> bytes);
    Statement& bind_null(int index);

    /// Whether there is a row to read. After `false` or an error it is ready to be bound anew.
    [[nodiscard]] std::expected<bool, StoreError> step();

    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] std::int64_t number(int column) const;
    [[nodiscard]] std::string_view text(int column) const;             // until the next step
    [[nodiscard]] std::span<const std::byte> bytes(int column) const;  // until the next step

 private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    const std::filesystem::path* path_;
};

class Database {
 public:
    /// Makes the file (0640) where missing. Reads nothing of it yet.
    [[nodiscard]] static std::expected<Database, StoreError> open(const std::filesystem::path& path);

    /// Statements without results that anybody would read.
    [[nodiscard]] std::expected<void, StoreError> run(const std::string& sql);
    [[nodiscard]] std::expected<Statement, StoreError> prepare(std::string_view sql) const;
    /// The first column of the first row; 0 without a row.
    [[nodiscard]] std::expected<std::int64_t, StoreError> number(std::string_view sql) const;
    /// Rows that the last statement inserted or deleted.
    [[nodiscard]] std::int64_t changes() const;

 private:
    struct Close {
        void operator()(sqlite3* database) const;
    };
    Database(std::unique_ptr<const std::filesystem::path> path, sqlite3* handle)
        : path_(std::move(path)), handle_(handle) {}

    std::unique_ptr<const std::filesystem::path> path_;  // where statements find it, wherever we are moved
    std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace farewell::history
