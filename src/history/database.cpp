// SPDX-License-Identifier: GPL-2.0-or-later
#include "history/database.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "report/errno_text.hpp"

namespace farewell::history {
namespace {

StoreError error_of(sqlite3* database, const std::filesystem::path& path) {
    const int code = sqlite3_errcode(database);
    const int system = sqlite3_system_errno(database);
    StoreError error{.failure = StoreFailure::other,
                     .message = fmt::format("{}: {}", path.string(), sqlite3_errmsg(database))};
    switch (code & 0xff) {
        case SQLITE_FULL:
            error.failure = StoreFailure::full;
            break;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            error.failure = StoreFailure::corrupt;
            break;
        case SQLITE_BUSY:
            error.message = fmt::format("{}: another program has it open", path.string());
            break;
        case SQLITE_CANTOPEN:
        case SQLITE_IOERR:
            if (system == ENOSPC || system == EDQUOT) {
                error.failure = StoreFailure::full;
            }
            if (system != 0) {
                error.message += ": " + report::errno_text(system);
            }
            break;
        default:
            break;
    }
    return error;
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

void Database::Close::operator()(sqlite3* database) const {
    sqlite3_close_v2(database);
}

// Binding fails only for an index that the statement does not have, or too long a text: our mistakes, and the
// step that follows would show them.

Statement& Statement::bind(int index, std::int64_t value) {
    sqlite3_bind_int64(statement_.get(), index, value);
    return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
    sqlite3_bind_text(statement_.get(), index, text.data(), static_cast<int>(text.size()), nullptr);
    return *this;
}

Statement& Statement::bind(int index, std::span<const std::byte> bytes) {
    sqlite3_bind_blob(statement_.get(), index, bytes.data(), static_cast<int>(bytes.size()), nullptr);
    return *this;
}

Statement& Statement::bind_null(int index) {
    sqlite3_bind_null(statement_.get(), index);
    return *this;
}

std::expected<bool, StoreError> Statement::step() {
    const int result = sqlite3_step(statement_.get());
    if (result == SQLITE_ROW) {
        return true;
    }
    if (result != SQLITE_DONE) {
        StoreError error = error_of(sqlite3_db_handle(statement_.get()), *path_);
        sqlite3_reset(statement_.get());
        return std::unexpected(std::move(error));
    }
    sqlite3_reset(statement_.get());
    return false;
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::number(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
    const void* text = sqlite3_column_blob(statement_.get(), column);
    const int size = sqlite3_column_bytes(statement_.get(), column);
    return text == nullptr ? std::string_view()
                           : std::string_view(static_cast<const char*>(text), static_cast<std::size_t>(size));
}

std::span<const std::byte> Statement::bytes(int column) const {
    const void* bytes = sqlite3_column_blob(statement_.get(), column);
    const int size = sqlite3_column_bytes(statement_.get(), column);
    return {static_cast<const std::byte*>(bytes), bytes == nullptr ? 0 : static_cast<std::size_t>(size)};
}

std::expected<Database, StoreError> Database::open(const std::filesystem::path& path) {
    // Made by us and not by SQLite: for its mode, and for an error that says what the matter is.
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) {
        const bool is_full = errno == ENOSPC || errno == EDQUOT;
        return std::unexpected(
            StoreError{.failure = is_full ? StoreFailure::full : StoreFailure::other,
                       .message = fmt::format("open {}: {}", path.string(), report::errno_text(errno))});
    }
    close(fd);
    sqlite3* handle = nullptr;
    const int result =
        sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    Database database(std::make_unique<const std::filesystem::path>(path), handle);
    if (result != SQLITE_OK) {
        return std::unexpected(error_of(handle, path));
    }
    return database;
}

std::expected<void, StoreError> Database::run(const std::string& sql) {
    if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
        return std::unexpected(error_of(handle_.get(), *path_));
    }
    return {};
}

std::expected<Statement, StoreError> Database::prepare(std::string_view sql) const {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr) !=
        SQLITE_OK) {
        return std::unexpected(error_of(handle_.get(), *path_));
    }
    return Statement(statement, *path_);
}

std::expected<std::int64_t, StoreError> Database::number(std::string_view sql) const {
    auto statement = prepare(sql);
    if (!statement) {
        return std::unexpected(statement.error());
    }
    const auto row = statement->step();
    if (!row) {
        return std::unexpected(row.error());
    }
    return *row ? statement->number(0) : 0;
}

std::int64_t Database::changes() const {
    return sqlite3_changes64(handle_.get());
}

}  // namespace farewell::history
